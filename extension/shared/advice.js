import { plain } from "./catalogue.js";
import { verdictFinding } from "./run.js";
import { portsOf, said } from "./sentence.js";

/**
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Setting} Setting
 * @typedef {import("../types/messages.d.ts").Hint} Hint
 */

/** How many servers a text names. */
const NAMED = 4;

const INCOMING = new Set(["110", "143", "993", "995"]);

/** Somebody reads along there: what works is nothing to recommend. */
const UNSAFE = new Set(["tls-intercepted"]);

/** Codes that speak of the network, and are said even where something works. */
export const NETWORK = new Set([
  "port25-blocked",
  "port25-relay-only",
  "port-blocked",
  "mail-allowlist",
  "local-firewall",
  "gateway-firewall",
  "smtp-intercepted",
  "starttls-stripped",
  "tls-intercepted",
]);

/**
 * The tested way round what the verdict names.
 *
 * @param {Report} report
 * @returns {Setting | null}
 */
export function remedy(report) {
  const finding = verdictFinding(report);
  const { code, severity } = finding;
  if (UNSAFE.has(code) || (severity !== "blocker" && !NETWORK.has(code))) return null;
  const ports = portsOf(finding);
  const receiving = ports.length > 0 && ports.every((port) => INCOMING.has(port));
  const good = report.settings[receiving ? "incoming" : "outgoing"].filter(
    ({ verified, security }) => verified && security !== "none",
  );
  return good.find(({ port }) => !report.way?.stopped.includes(port)) ?? good[0] ?? null;
}

/**
 * @param {Report} report
 * @param {Catalogue} catalogue
 */
export function remedyInWords(report, catalogue) {
  const setting = remedy(report);
  if (!setting) return null;
  const { host, port } = setting;
  return said(
    { key: "use_tested", values: { host, port, security: catalogue.word("security", setting.security) } },
    catalogue,
  );
}

/**
 * What to tell those who can mend it: a message to copy.
 *
 * @param {Report} report
 * @param {Catalogue} catalogue
 */
export function tell(report, catalogue) {
  const finding = verdictFinding(report);
  const key = `tell_${finding.code.replaceAll("-", "_")}`;
  if (!catalogue.has(key)) return null;
  const ports = portsOf(finding);
  const host = finding.host ?? report.target.host ?? report.target.domain ?? report.target.input;
  const parts = [said({ key, values: { ports, host }, count: ports.length }, catalogue)];
  const passing = report.way?.passing ?? [];
  if (passing.length > 0) {
    parts.push(said({ key: "way_passes", values: { ports: passing }, count: passing.length }, catalogue));
  }
  const hosts = tried(report, new Set(ports));
  if (hosts.length > 0) {
    const [date, time] = plain(report.started_at).split("T");
    const values = { date: date ?? "", time: (time ?? "").slice(0, 5), hosts: catalogue.list(hosts) };
    parts.push(catalogue.text("tell_tried", values));
  }
  return parts.join(" ");
}

/**
 * The servers on which the verdict rests, the target's own first.
 *
 * @param {Report} report
 * @param {Set<string>} ports
 */
function tried(report, ports) {
  const named = report.observations.filter(
    ({ role, source, port, state }) =>
      ((role === "target" && state !== "open") || (role === "control" && source !== "gateway")) &&
      (ports.size === 0 || ports.has(String(port))),
  );
  const hosts = new Set([...named.filter(({ role }) => role === "target"), ...named].map(({ host }) => plain(host)));
  const all = [...hosts];
  return all.length > NAMED ? [...all.slice(0, NAMED), "…"] : all;
}

/**
 * What is publicly known of a provider, as sentences.
 *
 * @param {Hint} hint
 * @param {Catalogue} catalogue
 */
export function hintInWords({ name, kind, where, relay, source, date }, catalogue) {
  /** @type {import("./sentence.js").Saying[]} */
  const parts = [{ key: "hint_network", values: { name } }, { key: `hint_${kind.replaceAll("-", "_")}` }];
  if (where) parts.push({ key: "hint_where", values: { where } });
  if (relay) parts.push({ key: "hint_relay_name", values: { relay } });
  const origin = date
    ? catalogue.text("hint_source", { source: plain(source), date: day(date, catalogue) })
    : catalogue.text("hint_source_undated", { source: plain(source) });
  return [...parts.map((part) => said(part, catalogue)), origin].join(" ");
}

/**
 * @param {string} date  a year, or a day
 * @param {Catalogue} catalogue
 */
const day = (date, catalogue) => (/^\d{4}-\d\d-\d\d$/.test(date) ? catalogue.date(date) : plain(date));
