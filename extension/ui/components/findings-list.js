import { otherFindings } from "../../core/findings.js";
import { sentenceOf } from "../../core/report-text.js";
import { runResults } from "../../core/run.js";
import { h } from "./dom.js";
import { SEVERITY_SHAPES, shape } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").Finding} Finding */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * What else was found. While a run is going it could still change, and would push the rows about.
 *
 * @param {RunView} view
 */
export function findingsList(view) {
  const { t, run } = view;
  if (run.phase === "running" || run.phase === "idle") return null;
  const { findings, verdict } = runResults(run);
  const list = otherFindings(findings, verdict);
  if (list.length === 0) return null;
  // The same advice once is enough: under the verdict, or under the first of its kind.
  const advised = new Set(verdict && [verdict.code]);
  const items = list.map((finding) => {
    const advise = finding.severity !== "good" && !advised.has(finding.code);
    advised.add(finding.code);
    return item(view, finding, advise);
  });
  return h(
    "section",
    { class: "findings", "data-key": "findings", "aria-labelledby": "findings-title" },
    h("h2", { id: "findings-title" }, t.text(run.report ? "ui_findings" : "ui_findings_partial")),
    h("ul", {}, ...items),
  );
}

/**
 * @param {RunView} view
 * @param {Finding} finding
 * @param {boolean} advise
 */
function item({ t }, finding, advise) {
  const { code, severity, confidence, advice } = finding;
  return h(
    "li",
    { "data-finding": code, "data-severity": severity, "data-tone": severity },
    shape(SEVERITY_SHAPES[severity]),
    h(
      "div",
      {},
      h(
        "p",
        { class: "finding" },
        h("span", { class: "visually-hidden" }, `${t.text(`severity_${severity}`)} `),
        sentenceOf(finding, t),
      ),
      advise && advice && h("p", { class: "advice" }, t.said(advice)),
      confidence !== "certain" && h("p", { class: "sure" }, t.text(`confidence_${confidence}`)),
    ),
  );
}
