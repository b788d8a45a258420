/**
 * What the extension shows of reports, as lines of text: an element's handles and the words in it. Runs in one of the
 * extension's own pages; returns a function of a language and of reports by name.
 */
(async () => {
  const [{ Catalogue }, { screen }, { headline }, { row }, { sideBySide }, { handedOver, FORMS, USUALLY_KEPT }, { IDLE, begin }, { DISCONNECTED }, { entryOf, NOTHING }, { effective }, { loadPrograms }] =
    await Promise.all(
      ["core/catalogue", "ui/screens/run-screen", "ui/components/verdict-card", "ui/components/past-runs", "ui/components/report-comparison", "core/ticket", "core/run", "core/link-state", "core/history-list", "core/preferences", "platform/bundled-files"].map(
        (path) => import(chrome.runtime.getURL(`${path}.js`)),
      ),
    );
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
      t, link: DISCONNECTED, place: { browser: "chromium", os: "linux" }, preferences: effective({}, {}), past: { ...NOTHING, refused: false },
      welcomed: true, privately: false, ticket: { form: "provider", kept: {} }, inTab: false, unkept: null, choiceRefused: false,
      copied: null, programs, program: null, handed: null, tab: null, page: null, emptyRefused: false,
    };
    const said = {};
    let before = null;
    for (const [name, report] of Object.entries(reports)) {
      const { observations, findings, settings, target } = report;
      const done = { ...IDLE, id: "run", target: target.input, phase: "done", report };
      const parts = { screen: text(screen({ ...base, run: done })) };
      const running = { ...begin("run", target.input), endpoints: observations, observations: byId(observations), findings, settings };
      parts.running = text(headline({ ...base, run: running }));
      parts.stopped = text(screen({ ...base, run: { ...running, phase: "stopped" } }));
      const entry = entryOf({ id: "run", target: target.input, report, network: null });
      parts.past = text(row(t, NOTHING, entry, { named: true }));
      if (before) parts.compared = text(sideBySide({ t, past: NOTHING }, [before, report]));
      for (const form of FORMS.filter((one) => one !== "json")) parts[form] = handedOver(report, form, new Set(USUALLY_KEPT[form]), t);
      said[name] = parts;
      before = report;
    }
    return said;
  };
})()
