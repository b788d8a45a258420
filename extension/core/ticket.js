import { plain } from "./catalogue.js";
import { endpointOutcome } from "./endpoint-outcome.js";
import { redacted, secretsIn } from "./redaction.js";
import { headlineOf, messageOf, reasonsOf, sentenceOf } from "./report-text.js";

/**
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Observation} Observation
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 * @typedef {import("./redaction.js").PrivateKind} PrivateKind
 */

/** For whom the report is: those who run the network, those who run the server, anybody, a program. */
export const TICKET_FORMS = /** @type {const} */ (["provider", "server", "markdown", "json"]);

/** @typedef {typeof TICKET_FORMS[number]} TicketForm */

/**
 * What each reader needs of what is private: a provider finds the line and its routers, the operator of a server finds
 * the connection in the logs.
 *
 * @type {Record<TicketForm, readonly PrivateKind[]>}
 */
export const USUALLY_DISCLOSED = { provider: ["public", "routers"], server: ["public"], markdown: [], json: [] };

/** @type {Record<TicketForm, {suffix: string, mime: string}>} */
export const TICKET_FILES = {
  provider: { suffix: "txt", mime: "text/plain" },
  server: { suffix: "txt", mime: "text/plain" },
  markdown: { suffix: "md", mime: "text/markdown" },
  json: { suffix: "json", mime: "application/json" },
};

/** How many lines of evidence a ticket holds. */
const MOST = 40;

/**
 * @param {Report} report
 * @param {TicketForm} form
 * @param {ReadonlySet<PrivateKind>} kept  what is private and may stand in it
 * @param {Catalogue} t
 * @returns {string}
 */
export function ticketText(report, form, kept, t) {
  const clean = redacted(report, kept);
  if (form === "json") return `${JSON.stringify(clean, null, 2)}\n`;
  if (form === "markdown") return markdown(clean, t);
  const seen = kept.has("public") ? secretsIn(report).public : [];
  return form === "provider" ? forProvider(clean, seen, t) : forServer(clean, seen, t);
}

/** @param {Report} report */
const subjectOf = ({ target }) => plain(target.host ?? target.domain ?? target.input);

/**
 * Moments as every log has them.
 *
 * @param {Report} report
 */
const moment = ({ started_at: at }) =>
  `${plain(at)
    .replace("T", " ")
    .replace(/\.\d+Z$|Z$/, "")} UTC`;

/**
 * @param {Observation} observation
 * @param {Catalogue} t
 */
function doorLine(observation, t) {
  const { host, address, port, error, tls, greeting } = observation;
  const place = `${plain(host)} [${plain(address)}] ${t.text("ticket_port", { port: String(port) })}`;
  const said = [endpointOutcome(observation, false, t).text, error, tls?.fault, greeting && `“${greeting}”`];
  return t.text("ticket_entry", { name: place, value: said.flatMap((one) => (one ? [plain(one)] : [])).join(" · ") });
}

/**
 * @param {string} name  the key of a message
 * @param {string | null | undefined | false} value
 * @param {Catalogue} t
 */
const entry = (name, value, t) => (value ? [t.text("ticket_entry", { name: t.text(name), value })] : []);

/**
 * Whether connections to a port can be had from the line at all, held against other operators' servers.
 *
 * @param {Report} report
 * @param {string[]} seen  how servers see this connection
 * @param {Catalogue} t
 */
function forProvider(report, seen, t) {
  const hops = report.observations.filter(({ path }) => path.length > 0).slice(0, 2);
  const controls = (report.told?.comparison ?? []).flatMap(({ role, evidence }) =>
    role === "control" ? evidence : [],
  );
  const failing = report.observations.filter(
    ({ id, role, state }) => state !== "open" && (role === "target" || controls.includes(id)),
  );
  return text([
    messageOf(report, t) ?? headlineOf(report, t),
    "",
    ...entry("ticket_when", moment(report), t),
    ...entry("ticket_from", seen.join(", "), t),
    ...entry("ticket_way", t.paragraph(report.told?.way ?? []), t),
    ...entry("ticket_sure", t.word("confidence", report.verdict.confidence), t),
    "",
    t.text("ticket_compared"),
    ...reasonsOf(report, t).map((line) => `- ${line}`),
    ...(failing.length > 0
      ? ["", t.text("ticket_failed"), ...failing.slice(0, MOST).map((one) => `- ${doorLine(one, t)}`)]
      : []),
    ...hops.flatMap(({ host, port, path }) => [
      "",
      t.text("ticket_path", { host: plain(host), port: String(port) }),
      ...path.map(({ hop, address, name, answer }) => `${hop}  ${plain(name ?? address ?? "*")}  ${answer}`),
    ]),
    "",
    signature(report, t),
  ]);
}

/**
 * What the server did, port by port, as its operator finds it in the logs.
 *
 * @param {Report} report
 * @param {string[]} seen  how servers see this connection
 * @param {Catalogue} t
 */
function forServer(report, seen, t) {
  const doors = report.observations.filter(({ role }) => role === "target").slice(0, MOST);
  const findings = report.findings.filter(({ party }) => party === "server");
  const certificates = new Map(
    doors.flatMap(({ tls }) => (tls?.issuer ? [[`${tls.issuer} ${tls.not_after}`, tls]] : [])),
  );
  const asked = report.told?.message?.for === "server" ? messageOf(report, t) : null;
  return text([
    asked ?? t.text("ticket_server", { host: subjectOf(report) }),
    "",
    ...entry("ticket_when", moment(report), t),
    ...entry("ticket_from", seen.join(", "), t),
    ...findings.map((finding) => `- ${sentenceOf(finding, t)}`),
    "",
    t.text("ticket_tried"),
    ...doors.map((one) => `- ${doorLine(one, t)}`),
    ...[...certificates.values()].flatMap(({ issuer, names, not_after: until }) => [
      "",
      ...entry("ui_issuer", plain(issuer ?? ""), t),
      ...entry("ui_names", plain(names.join(", ")), t),
      ...entry("ui_not_after", until && plain(until), t),
    ]),
    "",
    signature(report, t),
  ]);
}

/**
 * @param {Report} report
 * @param {Catalogue} t
 */
function markdown(report, t) {
  const { findings, settings, observations } = report;
  const good = [...settings.outgoing, ...settings.incoming].filter(({ security }) => security !== "none");
  const doors = observations.filter(({ role }) => role === "target");
  return text([
    `# ${cell(t.text("ticket_title", { target: plain(report.target.input) }))}`,
    "",
    `**${cell(headlineOf(report, t))}**`,
    "",
    ...(report.told?.remedy ? [cell(t.said(report.told.remedy)), ""] : []),
    `- ${t.text("ticket_entry", { name: t.text("ui_confidence"), value: t.word("confidence", report.verdict.confidence) })}`,
    `- ${t.text("ticket_entry", { name: t.text("ticket_when"), value: moment(report) })}`,
    "",
    ...(good.length > 0
      ? [
          `## ${t.text("ui_settings")}`,
          "",
          ...table(
            [t.text("ui_server"), t.text("ui_port"), t.text("ui_security"), t.text("ui_result")],
            good.map(({ host, port, security, verified }) => [
              host,
              String(port),
              t.word("security", security),
              t.text(verified ? "ui_verified" : "ui_unverified"),
            ]),
          ),
        ]
      : []),
    ...(findings.length > 1
      ? [
          `## ${t.text("ui_findings")}`,
          "",
          ...findings
            .filter(({ code }) => code !== report.verdict.code)
            .map((finding) => `- ${cell(sentenceOf(finding, t))}`),
          "",
        ]
      : []),
    `## ${t.text("why_title")}`,
    "",
    ...reasonsOf(report, t).map((line) => `- ${cell(line)}`),
    ...(report.told?.hints ?? []).map((hint) => `- ${cell(`${t.text("hint_title")}: ${t.said(hint)}`)}`),
    "",
    `## ${t.text("ui_endpoints")}`,
    "",
    ...table(
      [t.text("ui_server"), t.text("cli_address"), t.text("ui_port"), t.text("ui_result")],
      doors.map((one) => [one.host, one.address, String(one.port), endpointOutcome(one, false, t).text]),
    ),
    signature(report, t),
  ]);
}

/**
 * @param {Report} report
 * @param {Catalogue} t
 */
const signature = ({ version, lab }, t) =>
  [t.text("ticket_signature", { version: plain(version) }), lab && t.text("cli_lab")].filter(Boolean).join(" ");

/** @param {string} value  nothing in it is to be read as Markdown */
const cell = (value) => plain(value).replace(/[\\`*_{}[\]<>|#]/g, "\\$&");

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
const table = (head, rows) => [
  `| ${head.map(cell).join(" | ")} |`,
  `|${" --- |".repeat(head.length)}`,
  ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`),
  "",
];

/** @param {string[]} lines  never two empty ones in a row */
const text = (lines) => `${lines.filter((line, index) => line !== "" || lines[index - 1] !== "").join("\n")}\n`;
