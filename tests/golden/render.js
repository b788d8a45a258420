/**
 * What the extension shows of reports, as lines of text: an element's handles and the words in it. Runs in one of the
 * extension's own pages; returns a function of a language and of reports by name.
 */
(async () => {
  const MODULES = [
    "core/catalogue",
    "core/history-list",
    "core/link-state",
    "core/preferences",
    "core/run",
    "core/ticket",
    "platform/bundled-files",
    "ui/components/past-runs",
    "ui/components/report-comparison",
    "ui/components/verdict-card",
    "ui/screens/run-screen",
  ];
  const all = await Promise.all(MODULES.map((path) => import(chrome.runtime.getURL(`${path}.js`))));
  const { Catalogue, historyEntry, EMPTY_HISTORY, DISCONNECTED, effective, beginRun, IDLE_RUN, ...rest } = Object.assign({}, ...all);
  const { ticketText, TICKET_FORMS, USUALLY_DISCLOSED, loadPrograms, pastRunRow, reportComparison, verdictCard, runScreen } = rest;
  const programs = await loadPrograms();
  // What depends on the run itself, not on its report.
  const LEFT_OUT = "svg, .top, .bottom, form, .welcome";

  function* lines(node) {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) {
        if (child.textContent.trim() !== "") yield child.textContent.trim();
      } else if (child.nodeType === Node.ELEMENT_NODE && !child.matches(LEFT_OUT)) {
        const shown = [...child.attributes].filter(
          ({ name }) => (name.startsWith("data-") && name !== "data-key") || ["title", "aria-label", "href", "lang"].includes(name),
        );
        if (shown.length > 0) yield `<${child.localName}${shown.map(({ name, value }) => ` ${name}=${JSON.stringify(value)}`).join("")}>`;
        yield* lines(child);
      }
    }
  }
  const text = (node) => (node ? [...lines(node)].join("\n") : "");
  const byId = (records) => Object.fromEntries(records.map((one) => [one.id, one]));

  async function catalogue(language) {
    const response = await fetch(chrome.runtime.getURL(`_locales/${language}/messages.json`));
    return new Catalogue(language, await response.json());
  }

  return async (language, reports) => {
    const t = await catalogue(language);
    const base = {
      t, link: DISCONNECTED, environment: { browser: "chromium", os: "linux" }, preferences: effective({}, {}), pastRuns: { ...EMPTY_HISTORY, refused: false },
      welcomed: true, inPrivateWindow: false, ticket: { form: "provider", kept: {} }, inTab: false, unkept: null, choiceRefused: false,
      copied: null, programs, program: null, lastExport: null, tab: null, page: null, emptyRefused: false,
    };
    const said = {};
    let before = null;
    for (const [name, report] of Object.entries(reports)) {
      const { observations, findings, settings, target } = report;
      const done = { ...IDLE_RUN, id: "run", target: target.input, phase: "done", report };
      const parts = { screen: text(runScreen({ ...base, run: done })) };
      const running = { ...beginRun("run", target.input), endpoints: observations, observations: byId(observations), findings, settings };
      parts.running = text(verdictCard({ ...base, run: running }));
      parts.stopped = text(runScreen({ ...base, run: { ...running, phase: "stopped" } }));
      const entry = historyEntry({ id: "run", target: target.input, report, network: null });
      parts.past = text(pastRunRow(t, EMPTY_HISTORY, entry, { named: true }));
      if (before) parts.compared = text(reportComparison({ t, pastRuns: EMPTY_HISTORY }, [before, report]));
      for (const form of TICKET_FORMS.filter((one) => one !== "json")) parts[form] = ticketText(report, form, new Set(USUALLY_DISCLOSED[form]), t);
      said[name] = parts;
      before = report;
    }
    return said;
  };
})()
