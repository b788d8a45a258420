import { spoken } from "../../core/catalogue.js";
import { exportFormats } from "../../core/export-formats.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").ExportMessage["format"]} Format */
/** @typedef {import("../state/view.js").LastExport} LastExport */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * The files that the settings can be handed over in.
 *
 * @param {RunView} view
 */
export function exportSection(view) {
  const { t, run } = view;
  const possible = run.report ? exportFormats(run.report) : [];
  if (possible.length === 0) return null;
  return h(
    "section",
    { class: "handover", "data-key": "handover", "aria-labelledby": "handover-title" },
    h("h3", { id: "handover-title" }, t.text("ui_handover")),
    h("p", { class: "promise", "data-key": "promise" }, t.text("ui_handover_promise")),
    h(
      "div",
      { class: "files", "data-key": "files" },
      ...possible.map((format) => button(view, "export", format, t.text(`ui_export_${format}`))),
      button(view, "export-copy", "text", t.text("ui_export_copy")),
    ),
    said(view),
  );
}

/**
 * @param {RunView} view
 * @param {"export" | "export-copy"} action
 * @param {Format} format
 * @param {string} name
 */
function button({ t, lastExport }, action, format, name) {
  const copies = action === "export-copy";
  return h(
    "button",
    {
      type: "button",
      class: "button small",
      "data-key": copies ? "copy" : format,
      "data-action": action,
      "data-format": format,
      "data-export": copies ? null : format,
      "aria-disabled": lastExport?.phase === "making" ? "true" : null,
      title: copies ? null : t.text(`ui_export_hint_${format}`),
    },
    shape(copies ? "copy" : "save"),
    name,
  );
}

/**
 * One line on what became of the last wish.
 *
 * @param {RunView} view
 */
function said({ t, run, lastExport }) {
  if (!lastExport || lastExport.run !== run.id || lastExport.phase === "making") return null;
  const { problem, message } = lastExport;
  if (!problem)
    return h("p", { class: "handed", "data-key": "handed" }, shape("good"), h("span", {}, exportDone(t, lastExport)));
  return h(
    "p",
    { class: "handed", "data-key": "failed", "data-export-problem": problem, role: "alert" },
    shape("warning"),
    h(
      "span",
      {},
      t.text(`ui_export_problem_${problem}`),
      message && " ",
      message && h("span", { lang: "en" }, spoken(message)),
    ),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {LastExport} handed
 */
export function exportDone(t, { phase, format, name }) {
  if (phase === "copied") return t.text("ui_export_copied");
  return `${t.text("ui_export_saved", { name })} ${t.text(`ui_export_hint_${format}`)}`;
}
