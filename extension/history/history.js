import { plain } from "../core/catalogue.js";
import {
  groupByTarget,
  HISTORY_LIMITS,
  historyIn,
  latestPerNetwork,
  networkName,
  reportKey,
  verdictWord,
} from "../core/history-list.js";
import { isHistoryExposed, readHistory, readHistoryItems, readPastReport, retold } from "../platform/history-access.js";
import { h } from "../ui/components/dom.js";
import { saveFile } from "../ui/components/file-download.js";
import { pastRunRow } from "../ui/components/past-runs.js";
import { reportComparison } from "../ui/components/report-comparison.js";
import { showStoredPage } from "../ui/screens/stored-page.js";

/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("../ui/screens/stored-page.js").StoredPageView} StoredPageView */

/**
 * `leftOpen`: past runs lie where pages can read them, and can only be erased.
 *
 * @typedef {{chosen: string[], compared: [Report, Report] | null, asked: boolean, refused: boolean, leftOpen: boolean}} Own
 */

const asked = new URLSearchParams(location.search);

/** @param {(string | null)[]} ids  the older first */
async function pair([one, other]) {
  const read = async (/** @type {string | null} */ id) => {
    const report = id && (await readPastReport(id));
    return report ? retold(id, report) : null;
  };
  const [before, after] = await Promise.all([one, other].map(read));
  return before && after ? /** @type {[Report, Report]} */ ([before, after]) : null;
}

/** @type {Own} */
const own = {
  chosen: [],
  compared: await pair([asked.get("before"), asked.get("after")]),
  asked: false,
  refused: false,
  leftOpen: await isHistoryExposed(),
};

let current = own;

/** @param {StoredPageView & Own} view */
function draw(view) {
  const { t, pastRuns, preferences, compared, refused } = view;
  if (pastRuns.entries.length === 0) {
    const why = !preferences.history.value ? "past_off" : pastRuns.refused ? "ui_unkept_past" : "past_none";
    const nothing = h("p", { class: "nothing", "data-key": "none", "data-nothing": why }, t.text(why));
    const left = pastRuns.refused && view.leftOpen && tools(h("p", { class: "unkept", "data-left-open": true }, t.text("past_left_open")), ...erase(view));
    return [nothing, left];
  }
  const unkept =
    refused && h("p", { class: "unkept", "data-key": "unkept", "data-unkept": "choice", role: "status" }, t.text("ui_unkept_choice"));
  return [compared && reportComparison(view, compared), ...targets(view), networks(view), unkept, whole(view)];
}

/** @param {StoredPageView & Own} view */
function targets({ t, pastRuns, chosen }) {
  const two = chosen.length === 2;
  const compare = h(
    "div",
    { class: "past-tools", "data-key": "tools" },
    h("p", { class: "hint", id: "compare-hint" }, t.text("past_compare_hint")),
    h(
      "button",
      {
        type: "button",
        class: "button small",
        "data-action": "compare",
        "aria-disabled": two ? null : "true",
        "aria-describedby": "compare-hint",
      },
      t.text("past_compare_both"),
    ),
  );
  const sections = groupByTarget(pastRuns.entries).map(({ target, entries }) => {
    const here = latestPerNetwork(entries).filter(({ network }) => network !== null);
    const summary = here.map((entry) =>
      t.text("past_line", { where: plain(networkName(pastRuns.networks, entry.network, t)), word: verdictWord(entry, t) }),
    );
    return h(
      "section",
      { class: "past-target", "data-key": `target ${target}`, "data-past-target": target },
      h("h2", {}, plain(target)),
      summary.length > 1 && h("p", { class: "past-summary" }, summary.map((line) => `${line}.`).join(" ")),
      h(
        "ul",
        { class: "past-list" },
        ...entries.map((entry) =>
          h(
            "li",
            { "data-key": entry.id },
            h("input", {
              type: "checkbox",
              "data-action": "choose",
              "data-id": entry.id,
              "aria-label": t.text("past_choose", { target: plain(target), when: t.moment(entry.at) }),
            }),
            pastRunRow(t, pastRuns, entry, { named: false }),
            h(
              "button",
              {
                type: "button",
                class: "button small",
                "data-action": "forget",
                "data-id": entry.id,
                "aria-label": t.text("past_forget_this", { target: plain(target), when: t.moment(entry.at) }),
              },
              t.text("past_forget"),
            ),
          ),
        ),
      ),
    );
  });
  return [compare, ...sections];
}

/** @param {StoredPageView & Own} view */
function networks({ t, pastRuns }) {
  const all = Object.entries(pastRuns.networks);
  return (
    all.length > 0 &&
    h(
      "section",
      { class: "networks", "data-key": "networks" },
      h("h2", {}, t.text("past_networks")),
      h("p", { class: "hint" }, t.text("past_networks_hint")),
      ...all.map(([key, network]) =>
        h(
          "label",
          { class: "network", "data-key": key, "data-network": key },
          h("span", {}, t.text("past_network_unnamed", { number: t.number(network.number) })),
          h("input", {
            type: "text",
            "data-action": "name-network",
            "data-id": key,
            value: network.name,
            maxlength: HISTORY_LIMITS.name,
            placeholder: t.text("past_network_example"),
          }),
        ),
      ),
    )
  );
}

/** @param {StoredPageView & Own} view */
function whole(view) {
  const { t, pastRuns } = view;
  const count = pastRuns.entries.length;
  return tools(
    h("p", { class: "hint" }, t.text("past_where", { count: t.number(count) }, count)),
    h("button", { type: "button", class: "button small", "data-key": "export", "data-action": "export" }, t.text("past_export")),
    ...erase(view),
  );
}

/** @param {(Node | null | false)[]} parts */
const tools = (...parts) => h("section", { class: "past-tools", "data-key": "whole" }, ...parts);

/** @param {StoredPageView & Own} view */
const erase = ({ t, asked: sure }) => [
  h(
    "button",
    { type: "button", class: "button small", "data-key": "erase", "data-action": sure ? "erase" : "ask-erase" },
    t.text(sure ? "past_erase_sure" : "past_erase"),
  ),
  sure && h("button", { type: "button", class: "button small", "data-key": "not", "data-action": "not" }, t.text("past_erase_not")),
];

const update = await showStoredPage("past_page", own, draw);

/** @param {Partial<Own>} changes */
function change(changes) {
  current = { ...current, ...changes };
  update(changes);
}

const send = (/** @type {import("../core/background-messages.js").HistoryCommand} */ command) => chrome.runtime.sendMessage(command);

/** Everything that is kept, but for the keys of networks, by which these could be recognised. */
async function everything() {
  const items = await readHistoryItems();
  const { entries, networks: known } = historyIn(items);
  const runs = entries.map(({ id, target, at, network }) => ({
    target,
    at,
    network: network && known[network] ? known[network].name || known[network].number : null,
    report: items[reportKey(id)] ?? null,
  }));
  saveFile({ name: "poterne-history.json", mime: "application/json", data: `${JSON.stringify({ schema: 1, runs }, null, 2)}\n` });
}

/** @type {Record<string, (id: string) => unknown>} */
const actions = {
  forget: (id) => send({ type: "forget", id }),
  export: everything,
  "ask-erase": () => change({ asked: true }),
  not: () => change({ asked: false }),
  async erase() {
    await send({ type: "erase-past" });
    change({ asked: false, chosen: [], compared: null, leftOpen: await isHistoryExposed() });
  },
  async compare() {
    const { chosen } = current;
    if (chosen.length !== 2) return;
    const { entries } = await readHistory();
    const ids = entries.filter(({ id }) => chosen.includes(id)).map(({ id }) => id);
    change({ compared: await pair(ids.reverse()) });
    document.querySelector("main")?.scrollIntoView();
  },
};

const root = /** @type {HTMLElement} */ (document.querySelector("main"));

root.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest("button") : null;
  if (button) actions[button.dataset["action"] ?? ""]?.(button.dataset["id"] ?? "");
});

root.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return;
  const { action, id = "" } = target.dataset;
  if (action === "name-network") {
    send({ type: "name-network", network: id, name: target.value }).then((done) => {
      if (done === false) target.value = target.defaultValue;
      change({ refused: done === false });
    });
  }
  if (action === "choose") {
    const rest = current.chosen.filter((one) => one !== id);
    change({ chosen: target.checked ? [...rest, id] : rest });
  }
});
