import { plain } from "../../core/catalogue.js";
import { entriesOfTarget, groupByTarget, latestPerNetwork, networkName, verdictWord } from "../../core/history-list.js";
import { sentenceOf } from "../../core/report-text.js";
import { h } from "./dom.js";
import { SEVERITY_SHAPES, shape } from "./shapes.js";

/** @typedef {import("../../core/catalogue.js").Catalogue} Catalogue */
/** @typedef {import("../../core/history-list.js").HistoryEntry} HistoryEntry */
/** @typedef {import("../../core/history-list.js").HistoryList} HistoryList */
/** @typedef {import("../state/view.js").RunView} RunView */

/** How many runs the popup shows; the page of all runs shows the others. */
const FEW = 4;

/** @param {string} id */
export const reportAddress = (id) => `/report/report.html?past=${encodeURIComponent(id)}`;

/**
 * Runs of before: of this target in each network where there is a result, else the last ones of any.
 *
 * @param {RunView} view
 */
export function pastRuns(view) {
  const { t, run, pastRuns: known } = view;
  if (run.phase === "running") return null;
  const idle = run.phase === "idle";
  const others = known.entries.filter(({ id }) => id !== run.id);
  const entries = (
    idle
      ? groupByTarget(others).flatMap(({ entries: [last] }) => last ?? [])
      : latestPerNetwork(entriesOfTarget(others, run.target))
  ).slice(0, FEW);
  if (entries.length === 0) return null;
  const current = run.id !== null && known.entries.some(({ id }) => id === run.id) ? run.id : null;
  return h(
    "section",
    { class: "past", "data-key": "past", "aria-labelledby": "past-title" },
    h(
      "div",
      { class: "past-head" },
      h("h2", { id: "past-title" }, t.text(idle ? "past_title" : "past_title_target")),
      h("a", { href: "/history/history.html", target: "_blank", rel: "noopener" }, t.text("past_all")),
    ),
    h(
      "ul",
      { class: "past-list" },
      ...entries.map((entry) => h("li", {}, pastRunRow(t, known, entry, { named: idle, current }))),
    ),
  );
}

/**
 * One past run: its verdict in a word, where and when, and its report.
 *
 * @param {Catalogue} t
 * @param {HistoryList} known
 * @param {HistoryEntry} entry
 * @param {{named: boolean, current?: string | null}} how  `named`: the target is said; `current`: to compare with
 */
export function pastRunRow(t, { networks }, entry, { named, current = null }) {
  const { finding, target, network, at, id } = entry;
  const name = plain(networkName(networks, network, t));
  return h(
    "div",
    {
      class: "past-run",
      "data-past-verdict": finding.code,
      "data-past-network": network ?? "",
      "data-past": id,
      "data-tone": finding.severity,
      title: sentenceOf(finding, t),
    },
    shape(finding.code === "unproven" ? "unknown" : SEVERITY_SHAPES[finding.severity]),
    h(
      "div",
      { class: "past-what" },
      h(
        "a",
        { class: "past-link", href: reportAddress(id), target: "_blank", rel: "noopener" },
        h("strong", {}, t.text("past_line", { where: named ? plain(target) : name, word: verdictWord(entry, t) })),
      ),
      h("span", { class: "past-when" }, named ? `${name} · ${t.moment(at)}` : t.moment(at)),
    ),
    current &&
      h(
        "a",
        {
          class: "past-compare",
          href: `/history/history.html?before=${encodeURIComponent(id)}&after=${encodeURIComponent(current)}`,
          target: "_blank",
          rel: "noopener",
        },
        t.text("past_compare"),
      ),
  );
}
