import { plain } from "../../core/catalogue.js";
import { endpointOutcome } from "../../core/endpoint-outcome.js";
import { observationsOf, reasonsOf } from "../../core/report-text.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").Hop} Hop */
/** @typedef {import("../../types/messages.d.ts").Observation} Observation */
/** @typedef {import("../../types/messages.d.ts").Report} Report */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * How the verdict is known: in words first, then what was asked for comparison and the ways that were followed.
 *
 * @param {RunView} view
 */
export function reasonsSection(view) {
  const { t, run } = view;
  const report = run.phase === "done" ? run.report : null;
  if (!report) return null;
  const words = reasonsOf(report, t);
  if (words.length === 0) return null;
  return h(
    "details",
    { class: "why", "data-key": "why", "data-why": true },
    h("summary", {}, t.text("why_title")),
    h("ul", { class: "reasons" }, ...words.map((text) => h("li", {}, text))),
    comparison(view, report),
    ...(report.told?.paths ?? []).map(({ failing, working }) => path(view, observationsOf(report, [failing, working]))),
  );
}

/**
 * @param {RunView} view
 * @param {Report} report
 */
function comparison({ t }, report) {
  const rows = (report.told?.comparison ?? []).flatMap(({ role, evidence }) => {
    const seen = observationsOf(report, evidence);
    return seen.slice(0, 1).map(({ host, port }) => ({ role, host, port, seen }));
  });
  if (rows.length === 0) return null;
  const families = /** @type {const} */ ([4, 6]).filter((family) =>
    rows.some(({ seen }) => seen.some((one) => one.family === family)),
  );
  return h(
    "table",
    { class: "doors comparison", "data-key": "comparison" },
    h("caption", {}, t.text("why_comparison")),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, t.text("ui_server")),
        h("th", { scope: "col", class: "port" }, t.text("ui_port")),
        ...families.map((family) => h("th", { scope: "col", class: "family" }, `IPv${family}`)),
      ),
    ),
    h(
      "tbody",
      {},
      ...rows.map(({ host, role, port, seen }, index) =>
        h(
          "tr",
          { "data-compared": role },
          h(
            "th",
            { scope: "row", class: rows[index - 1]?.host === host ? "compared again" : "compared" },
            h("span", {}, plain(host)),
            role !== "control" && h("span", { class: "who" }, t.text(`ui_role_${role}`)),
          ),
          h("td", { class: "port" }, String(port)),
          ...families.map((family) =>
            cell(
              t,
              seen.filter((one) => one.family === family),
            ),
          ),
        ),
      ),
    ),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {Observation[]} seen
 */
function cell(t, seen) {
  if (seen.length === 0) return h("td", {}, h("span", { class: "none" }, "–"));
  return h(
    "td",
    {},
    h(
      "div",
      { class: "cells" },
      ...seen.map((one) => {
        const { tone, text } = endpointOutcome(one, false, t);
        return h(
          "div",
          { class: "door", "data-tone": tone, title: plain(one.address) },
          shape(tone),
          h("span", {}, text),
        );
      }),
    ),
  );
}

/**
 * The routers on the way, for the port that fails and beside it for one that works.
 *
 * @param {RunView} view
 * @param {Observation[]} columns  the failing one first
 */
function path({ t }, columns) {
  const [failing] = columns;
  if (!failing) return null;
  const steps = [...new Set(columns.flatMap((one) => one.path.map(({ hop }) => hop)))].sort((a, b) => a - b);
  const caption = t.text("why_way", { host: plain(failing.host), address: plain(failing.address) });
  return h(
    "table",
    { class: "doors path", "data-key": `path ${failing.id}`, "data-path": failing.id },
    h("caption", {}, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col", class: "port" }, t.text("why_step")),
        ...columns.map(({ port }) => h("th", { scope: "col" }, `${t.text("ui_port")} ${port}`)),
      ),
    ),
    h(
      "tbody",
      {},
      ...steps.map((step) =>
        h(
          "tr",
          {},
          h("th", { scope: "row", class: "port" }, String(step)),
          ...columns.map((one) =>
            h(
              "td",
              {},
              hop(
                t,
                one.path.find((found) => found.hop === step),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {Hop | undefined} found
 */
function hop(t, found) {
  if (!found) return h("span", { class: "none" }, "–");
  const { address, name, answer } = found;
  const said = answer === "time-exceeded" ? null : t.word("hop", answer);
  return h(
    "div",
    { class: "hop", "data-answer": answer },
    address && h("span", {}, plain(address)),
    name && h("span", { class: "who" }, plain(name)),
    said && h("span", { class: answer === "silent" ? "none" : "said-there" }, said),
  );
}
