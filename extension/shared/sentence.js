import { plain } from "./catalogue.js";

/** @typedef {import("./catalogue.js").Catalogue} Catalogue */
/** @typedef {import("../types/messages.d.ts").Finding} Finding */
/** @typedef {Finding["params"][string]} Value */

/**
 * How the parameters of findings are written; what is not named here is a stranger's text or a plain number.
 *
 * @type {Record<string, (value: Value, catalogue: Catalogue) => string>}
 */
const WRITERS = {
  date: (value, catalogue) => catalogue.date(String(value)),
  asked: (value, catalogue) => catalogue.word("security", String(value)),
  works: (value, catalogue) => catalogue.word("security", String(value)),
  state: (value, catalogue) => catalogue.word("state", String(value)),
  expected: (value, catalogue) => catalogue.word("service", String(value)),
  spoke: (value, catalogue) => catalogue.word("service", String(value)),
  who: (value, catalogue) => catalogue.word("way_name", String(value)),
  // A port is a name made of digits: it has no thousands separator.
  port: (value) => String(value),
  ports: (value, catalogue) => catalogue.list(portsIn(value)),
};

/**
 * @param {Value} value
 * @returns {string[]}
 */
function portsIn(value) {
  if (Array.isArray(value)) return [...value].sort((one, other) => Number(one) - Number(other)).map(String);
  return typeof value === "number" || typeof value === "string" ? [String(value)] : [];
}

/**
 * @param {string} name
 * @param {Value} value
 * @param {Catalogue} catalogue
 * @returns {string}
 */
function written(name, value, catalogue) {
  if (value === null) return catalogue.text("ui_unknown_value");
  const writer = WRITERS[name];
  if (writer) return plain(writer(value, catalogue));
  if (Array.isArray(value)) return catalogue.list(value.map((item) => plain(String(item))));
  return typeof value === "number" ? catalogue.number(value) : plain(String(value));
}

/**
 * The ports that a finding speaks of.
 *
 * @param {Finding} finding
 */
export function portsOf(finding) {
  const ports = portsIn(finding.params["ports"] ?? null);
  return ports.length > 0 || finding.port === null ? ports : [String(finding.port)];
}

/**
 * Values as they stand in a message, by the names of its placeholders.
 *
 * @param {Record<string, Value>} values
 * @param {Catalogue} catalogue
 */
const inWords = (values, catalogue) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.toLowerCase(), written(name, value, catalogue)]),
  );

/**
 * A message with what it is about; `count` chooses its plural form.
 *
 * @typedef {{key: string, values?: Record<string, Value>, count?: number}} Saying
 */

/**
 * @param {Saying} saying
 * @param {Catalogue} catalogue
 */
export const said = ({ key, values = {}, count }, catalogue) => catalogue.text(key, inWords(values, catalogue), count);

/**
 * Why something that was published is not used, as a clause.
 *
 * @param {Value | undefined} reason
 * @param {Value | undefined} value  what it is about
 * @param {Catalogue} catalogue
 */
export function refusal(reason, value, catalogue) {
  const key = `refusal_${String(reason).replaceAll("-", "_")}`;
  const known = catalogue.has(key) ? key : "refusal_unreadable";
  return catalogue.text(known, { value: plain(String(value ?? "")) });
}

/**
 * The stem of a finding's messages: where it is proved who is behind it, or that nobody vouches for a certificate, a
 * sentence of its own may say so.
 *
 * @param {Finding} finding
 * @param {Catalogue} catalogue
 */
function stem({ code, params }, catalogue) {
  const key = code.replaceAll("-", "_");
  const own = [
    params["where"] === "provider" && `${key}_provider`,
    params["trusted"] === false && `${key}_untrusted`,
    params["part"] === true && `${key}_part`,
    typeof params["reporter"] === "string" && `${key}_reported`,
  ];
  return own.find((variant) => variant && catalogue.has(variant)) || key;
}

/**
 * What a finding says and what to do about it.
 *
 * @param {Finding} finding
 * @param {Catalogue} catalogue
 * @param {string} subject  what stands for the host where the finding names none
 * @returns {{headline: string, advice: string | null}}
 */
export function sentence(finding, catalogue, subject) {
  const key = finding.code.replaceAll("-", "_");
  const ports = portsOf(finding);
  /** @type {Record<string, Value>} */
  const values = { ...finding.params, host: finding.host ?? subject, port: finding.port ?? ports[0] ?? null, ports };
  values["family"] = finding.family ? `IPv${finding.family}` : ["IPv4", "IPv6"];
  const texts = inWords(values, catalogue);
  if (finding.params["reason"]) texts["why"] = refusal(finding.params["reason"], finding.params["value"], catalogue);
  const unknown = { code: plain(finding.code) };
  const headline = catalogue.has(key)
    ? catalogue.text(stem(finding, catalogue), texts, ports.length)
    : catalogue.text("ui_unknown_finding", unknown);
  const advice = catalogue.has(`${key}_advice`) ? catalogue.text(`${key}_advice`, texts, ports.length) : null;
  return { headline, advice };
}
