import { plain } from "../../core/catalogue.js";
import { runResults } from "../../core/run.js";
import { h } from "./dom.js";

/** @typedef {import("../../types/messages.d.ts").Observation} Observation */
/** @typedef {import("../state/view.js").RunView} RunView */

/** The stages in the order in which they happen. */
const STAGES = /** @type {const} */ ([
  "resolve_ms",
  "connect_ms",
  "greeting_ms",
  "capabilities_ms",
  "starttls_ms",
  "tls_ms",
  "capabilities_tls_ms",
]);

/**
 * The evidence, for those who want it: the target's endpoints first, then the controls.
 *
 * @param {RunView} view
 */
export function technicalDetails(view) {
  const { t, run } = view;
  if (run.phase === "idle" || run.phase === "running") return null;
  const { observations } = runResults(run);
  if (observations.length === 0 && !run.report) return null;
  const ordered = [
    ...observations.filter(({ role }) => role === "target"),
    ...observations.filter(({ role }) => role !== "target"),
  ];
  return h(
    "details",
    { class: "technical", "data-key": "technical" },
    h("summary", {}, t.text("ui_technical")),
    run.report && about(view, run.report),
    h(
      "div",
      { class: "evidence", "data-key": "evidence" },
      ...ordered.map((observation) => evidence(view, observation)),
    ),
    run.report &&
      h("button", { type: "button", class: "button", "data-action": "copy-report" }, t.text("ui_copy_report")),
  );
}

/**
 * @param {RunView} view
 * @param {NonNullable<RunView["run"]["report"]>} report
 */
function about({ t }, { started_at: startedAt, elapsed_ms: elapsed, version, lab, names, machine, portal }) {
  return h(
    "dl",
    { class: "technical-list" },
    entry(t.text("ui_tested_at"), t.moment(startedAt)),
    entry(t.text("ui_elapsed"), t.text("ui_milliseconds", { number: t.number(Math.round(elapsed)) })),
    entry(t.text("ui_version"), plain(version)),
    lab && entry(t.text("ui_lab"), t.text("ui_lab_yes")),
    entry(t.text("ui_addresses"), machine.addresses.map(plain).join(", ")),
    entry(t.text("ui_gateways"), machine.gateways.map(plain).join(", ")),
    portal && entry(t.text("ui_portal"), `${plain(portal.url)} → ${t.word("portal_state", portal.state)}`),
    ...names.map(({ name, source, state, addresses }) =>
      entry(
        t.text(source === "random" ? "ui_name_random" : "ui_name"),
        `${plain(name)} → ${addresses.length > 0 ? addresses.map(plain).join(", ") : t.word("name_state", state)}`,
      ),
    ),
  );
}

/**
 * @param {RunView} view
 * @param {Observation} observation
 */
function evidence({ t }, observation) {
  const { id, role, source, host, address, port, state, reporter, attempts, error, greeting, auth, capabilities, tls } =
    observation;
  const title = `${plain(host)}:${port} · ${plain(address)}`;
  return h(
    "details",
    { "data-key": id },
    h(
      "summary",
      {},
      title,
      role !== "target" && h("span", { class: "role" }, t.text(`ui_role_${source === "gateway" ? source : role}`)),
    ),
    h(
      "dl",
      { class: "technical-list" },
      entry(t.text("ui_result"), [t.word("state", state), error && plain(error)].filter(Boolean).join(" · ")),
      reporter && entry(t.text("ui_reporter"), plain(reporter)),
      attempts > 1 && entry(t.text("ui_attempts"), t.number(attempts)),
      greeting && entry(t.text("ui_greeting"), plain(greeting), "quoted"),
      capabilities.length > 0 && entry(t.text("ui_capabilities"), plain(capabilities.join(", ")), "quoted"),
      auth.length > 0 && entry(t.text("ui_sign_in"), plain(auth.join(", ")), "quoted"),
      tls?.version && entry("TLS", plain([tls.version, tls.cipher].filter(Boolean).join(" · "))),
      tls?.alert && entry(t.text("ui_tls_alert"), plain(tls.alert), "quoted"),
      tls?.issuer && entry(t.text("ui_issuer"), plain(tls.issuer), "quoted"),
      tls && tls.names.length > 0 && entry(t.text("ui_names"), plain(tls.names.join(", ")), "quoted"),
      tls?.not_after && entry(t.text("ui_not_after"), t.date(tls.not_after)),
      entry(t.text("ui_stages"), stages(t, observation)),
    ),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {Observation} observation
 */
function stages(t, { stages: times }) {
  const texts = STAGES.flatMap((stage) => {
    const time = times[stage];
    if (time === null || time === undefined) return [];
    const number = t.number(Math.round(time * 10) / 10);
    return [`${t.text(`ui_stage_${stage.slice(0, -"_ms".length)}`)} ${t.text("ui_milliseconds", { number })}`];
  });
  return texts.join(" · ");
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} [className]
 */
function entry(name, value, className) {
  return value !== "" && h("div", {}, h("dt", {}, name), h("dd", { class: className }, value));
}
