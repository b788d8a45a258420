import { plain } from "../../core/catalogue.js";
import { endpointOutcome } from "../../core/endpoint-outcome.js";
import { compareReports } from "../../core/report-changes.js";
import { headlineOf } from "../../core/report-text.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").Report} Report */
/** @typedef {import("../state/view.js").StoredPageView} StoredPageView */

/** @typedef {ReturnType<typeof compareReports>["doors"][number]} Door */

/** @typedef {Omit<Door, "family"> & {family: Door["family"] | null}} ChangeRow */

/**
 * Ports that did the same over IPv4 and IPv6, both times, in one row, whose family is null.
 *
 * @param {readonly Door[]} doors
 * @param {StoredPageView["t"]} t
 */
function folded(doors, t) {
  const did = (/** @type {Door["before"]} */ one) => (one ? endpointOutcome(one, false, t).text : "");
  const kin = (/** @type {ChangeRow} */ { host, port, before, after }) =>
    `${host} ${port} ${did(before)} ${did(after)}`;
  /** @type {ChangeRow[]} */
  const rows = doors.map((door) =>
    doors.filter((other) => kin(other) === kin(door)).length > 1 ? { ...door, family: null } : door,
  );
  return rows.filter((row, index) => row.family !== null || rows.findIndex((one) => kin(one) === kin(row)) === index);
}

/**
 * Two reports side by side: what changed stands first and is marked.
 *
 * @param {StoredPageView} view
 * @param {readonly [Report, Report]} pair  the older first
 */
export function reportComparison({ t, pastRuns }, pair) {
  const { doors, settings, verdict } = compareReports(...pair);
  const changed = doors.filter((door) => door.changed);
  const rows = folded([...changed, ...doors.filter((door) => !door.changed)], t);
  const network = (/** @type {Report} */ { started_at: at }) => {
    const entry = pastRuns.entries.find((one) => one.at === at);
    return entry?.network ? pastRuns.networks[entry.network]?.name || null : null;
  };
  const said = (/** @type {Report} */ report) => headlineOf(report, t);
  const cell = (/** @type {Door["before"]} */ one) => {
    if (!one) return h("td", {}, h("span", { class: "none" }, "–"));
    const { tone, text } = endpointOutcome(one, false, t);
    return h("td", {}, h("div", { class: "door", "data-tone": tone }, shape(tone), h("span", {}, text)));
  };
  const line = (/** @type {boolean} */ differs, /** @type {(Node | string)[]} */ ...cells) =>
    h("tr", { "data-changed": String(differs) }, ...cells.map((one) => (one instanceof Node ? one : h("td", {}, one))));
  const head = (/** @type {string} */ name) => h("th", { scope: "row" }, name);
  return h(
    "section",
    { class: "compared-runs", "data-key": "compared", "data-comparison": true, "aria-labelledby": "compared-title" },
    h("h2", { id: "compared-title" }, t.text("past_compared")),
    h(
      "p",
      { class: "lead" },
      verdict || changed.length > 0 || settings.some(({ before, after }) => before !== after)
        ? t.text("past_changed", { count: t.number(changed.length) }, changed.length)
        : t.text("past_same"),
    ),
    h(
      "table",
      { class: "doors side-by-side" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td", {}),
          ...pair.map((report) =>
            h("th", { scope: "col" }, [network(report), t.moment(report.started_at)].filter(Boolean).join(" · ")),
          ),
        ),
      ),
      h(
        "tbody",
        {},
        line(verdict, head(t.text("cli_verdict")), ...pair.map(said)),
        ...settings.map(({ setting, before, after }) =>
          line(
            before !== after,
            head(`${plain(setting.host)} · ${setting.port} · ${t.word("security", setting.security)}`),
            ...[before, after].map((has) => t.text(has ? "ui_verified" : "past_not_there")),
          ),
        ),
        ...rows.map(({ host, port, family, before, after, changed: differs }) =>
          line(
            differs,
            head([plain(host), port, family && `IPv${family}`].filter(Boolean).join(" · ")),
            cell(before),
            cell(after),
          ),
        ),
      ),
    ),
  );
}
