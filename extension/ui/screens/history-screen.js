import { plain } from "../../core/catalogue.js";
import { groupByTarget, HISTORY_LIMITS, latestPerNetwork, networkName, verdictWord } from "../../core/history-list.js";
import { h } from "../components/dom.js";
import { pastRunRow } from "../components/past-runs.js";
import { reportComparison } from "../components/report-comparison.js";

/** @typedef {import("../../types/messages.d.ts").Report} Report */
/** @typedef {import("../state/view.js").StoredPageView} StoredPageView */

/**
 * What the page of past runs shows beside what is stored.
 *
 * @typedef {object} HistoryPageState
 * @property {string[]} chosen  the runs to compare
 * @property {[Report, Report] | null} compared  the older first
 * @property {boolean} eraseAsked  whether to erase everything is asked once more
 * @property {boolean} refused  there was no room for a name of a network
 * @property {boolean} leftOpen  past runs lie where pages can read them, and can only be erased
 */

/**
 * Past runs by target, what two of them say side by side, and the networks that they were made in.
 *
 * @param {StoredPageView & HistoryPageState} view
 */
export function historyScreen(view) {
  const { t, pastRuns, preferences, compared, refused } = view;
  if (pastRuns.entries.length === 0) {
    const why = !preferences.history.value ? "past_off" : pastRuns.refused ? "ui_unkept_past" : "past_none";
    const nothing = h("p", { class: "nothing", "data-key": "none", "data-nothing": why }, t.text(why));
    const left =
      pastRuns.refused &&
      view.leftOpen &&
      tools(h("p", { class: "unkept", "data-left-open": true }, t.text("past_left_open")), ...erase(view));
    return [nothing, left];
  }
  const unkept =
    refused &&
    h(
      "p",
      { class: "unkept", "data-key": "unkept", "data-unkept": "choice", role: "status" },
      t.text("ui_unkept_choice"),
    );
  return [compared && reportComparison(view, compared), ...targets(view), networks(view), unkept, whole(view)];
}

/** @param {StoredPageView & HistoryPageState} view */
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
      t.text("past_line", {
        where: plain(networkName(pastRuns.networks, entry.network, t)),
        word: verdictWord(entry, t),
      }),
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

/** @param {StoredPageView & HistoryPageState} view */
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

/** @param {StoredPageView & HistoryPageState} view */
function whole(view) {
  const { t, pastRuns } = view;
  const count = pastRuns.entries.length;
  return tools(
    h("p", { class: "hint" }, t.text("past_where", { count: t.number(count) }, count)),
    h(
      "button",
      { type: "button", class: "button small", "data-key": "export", "data-action": "export" },
      t.text("past_export"),
    ),
    ...erase(view),
  );
}

/** @param {(Node | null | false)[]} parts */
const tools = (...parts) => h("section", { class: "past-tools", "data-key": "whole" }, ...parts);

/** @param {StoredPageView & HistoryPageState} view */
const erase = ({ t, eraseAsked: sure }) => [
  h(
    "button",
    { type: "button", class: "button small", "data-key": "erase", "data-action": sure ? "erase" : "ask-erase" },
    t.text(sure ? "past_erase_sure" : "past_erase"),
  ),
  sure &&
    h(
      "button",
      { type: "button", class: "button small", "data-key": "not", "data-action": "not" },
      t.text("past_erase_not"),
    ),
];
