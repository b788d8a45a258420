import { plain } from "../../core/catalogue.js";
import { groupEndpoints } from "../../core/endpoint-groups.js";
import { endpointOutcome } from "../../core/endpoint-outcome.js";
import { runResults } from "../../core/run.js";
import { h } from "./dom.js";
import { shape, spinner } from "./shapes.js";

/** @typedef {import("../../core/endpoint-groups.js").EndpointRow} EndpointRow */
/** @typedef {import("../../core/endpoint-groups.js").HostGroup} HostGroup */
/** @typedef {import("../../core/endpoint-groups.js").PortGroup} PortGroup */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * Every endpoint of the target: a table for each host, a line for each port, the families side by side.
 *
 * @param {RunView} view
 */
export function endpointTables(view) {
  const { t, run } = view;
  const hosts = groupEndpoints(run.endpoints, run.phase === "idle" ? [] : runResults(run).observations);
  if (hosts.length === 0) return null;
  return h(
    "section",
    { class: "endpoints", "data-key": "endpoints", "aria-labelledby": "endpoints-title" },
    h("h2", { id: "endpoints-title" }, t.text("ui_endpoints")),
    ...hosts.map((group) => table(view, group)),
  );
}

/**
 * @param {RunView} view
 * @param {HostGroup} group
 */
function table(view, { host, families, ports }) {
  const { t } = view;
  return h(
    "table",
    { class: "doors", "data-key": host },
    h("caption", {}, plain(host)),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col", class: "port" }, t.text("ui_port")),
        h("th", { scope: "col" }, t.text("ui_purpose")),
        ...families.map((family) => h("th", { scope: "col", class: "family" }, `IPv${family}`)),
      ),
    ),
    h("tbody", {}, ...ports.map((group) => line(view, group, families))),
  );
}

/**
 * @param {RunView} view
 * @param {PortGroup} group
 * @param {readonly (4 | 6)[]} families
 */
function line(view, { port, service, byFamily }, families) {
  return h(
    "tr",
    { "data-key": String(port) },
    h("th", { scope: "row", class: "port" }, String(port)),
    h("td", { class: "purpose" }, view.t.word("ui_purpose", service)),
    ...families.map((family) =>
      h(
        "td",
        { "data-key": `IPv${family}` },
        byFamily[family].length > 0
          ? byFamily[family].map((row) => cell(view, row)).reduce(appended, h("div", { class: "cells" }))
          : h("span", { class: "none" }, "–"),
      ),
    ),
  );
}

/**
 * @param {HTMLElement} parent
 * @param {HTMLElement} child
 */
function appended(parent, child) {
  parent.append(child);
  return parent;
}

/**
 * @param {RunView} view
 * @param {EndpointRow} row
 */
function cell({ t, run }, { endpoint, observation }) {
  const { tone, text } = endpointOutcome(observation, run.phase === "running", t);
  return h(
    "div",
    {
      class: "door",
      "data-key": endpoint.id,
      "data-endpoint": endpoint.id,
      "data-host": endpoint.host,
      "data-port": endpoint.port,
      "data-family": endpoint.family,
      "data-state": observation?.state ?? "pending",
      "data-tone": tone,
      title: endpoint.address,
    },
    tone === "pending" ? spinner() : shape(tone),
    h("span", {}, text),
  );
}
