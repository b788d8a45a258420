import { plain } from "./catalogue.js";

/**
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Observation} Observation
 */

/** What tells of the person or of the place, the kinds in the order in which they are asked about. */
export const PRIVATE_KINDS = /** @type {const} */ (["account", "public", "own", "routers"]);

/** @typedef {typeof PRIVATE_KINDS[number]} PrivateKind */
/** @typedef {Record<PrivateKind, string[]>} Secrets  what stands in the report of each kind */

const ACCOUNT = /(?:mailto:)?([^\s@?:/]+)@[^\s@?]+/i;
const ADDRESS = /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})(?![\w.:])/gi;
const GREETED = /\bhello\s+\[?([a-z0-9][a-z0-9.-]*[a-z0-9])\]?/gi;

/** What stands in place of something that was left out. */
export const LEFT_OUT = "…";

/** @param {(string | null | undefined | false)[]} texts */
const distinct = (texts) => [...new Set(texts.flatMap((text) => (text ? [text] : [])))];

/** @param {Observation} observation */
const saidBy = ({ greeting, capabilities, capabilities_clear: clear, error }) =>
  [greeting, ...capabilities, ...clear, error].filter((text) => typeof text === "string");

/**
 * What a report holds that is nobody else's business: the local part of the account; how servers see this connection
 * from outside (address and name, as they repeat them); this computer's own addresses and networks; the routers on the
 * way.
 *
 * @param {Report} report
 * @returns {Secrets}
 */
export function secretsIn({ target, machine, observations, way }) {
  const reached = new Set(observations.map(({ address }) => address));
  const own = distinct([...machine.addresses, ...machine.networks]);
  const said = observations.flatMap(saidBy);
  const hosts = new Set(observations.flatMap(({ host, tls }) => [host, ...(tls?.names ?? [])]));
  const hops = observations.flatMap(({ path, address }) => path.filter((hop) => hop.address !== address));
  const seen = said.flatMap((text) => [...text.matchAll(ADDRESS)].map(([address]) => address));
  const greeted = said.flatMap((text) => [...text.matchAll(GREETED)].flatMap(([, name]) => name ?? []));
  const local = target.kind === "account" ? ACCOUNT.exec(target.input)?.[1] : null;
  const reporters = observations.map(({ reporter }) => reporter).filter((one) => one !== null && !reached.has(one));
  const routers = distinct([
    ...machine.gateways,
    ...hops.flatMap(({ address, name }) => [address, name]),
    ...reporters,
    way?.box,
    way?.provider,
  ]).filter((one) => !own.includes(one) && !hosts.has(one));
  return {
    account: distinct([local]),
    public: distinct([...seen, ...greeted.filter((name) => name.includes("."))]).filter(
      (one) => !reached.has(one) && !own.includes(one) && !routers.includes(one) && !hosts.has(one),
    ),
    own,
    routers,
  };
}

/**
 * A text without these secrets.
 *
 * @param {string} text
 * @param {readonly string[]} secrets
 */
export function maskSecrets(text, secrets) {
  return [...secrets]
    .sort((one, other) => other.length - one.length)
    .reduce((rest, secret) => {
      const pattern = secret.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      return rest.replace(new RegExp(`(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])`, "giu"), LEFT_OUT);
    }, text);
}

/**
 * The report without what is to be left out, wherever in it that stands.
 *
 * @param {Report} report
 * @param {ReadonlySet<PrivateKind>} kept  the kinds that may stay
 * @returns {Report}
 */
export function redacted(report, kept) {
  const secrets = secretsIn(report);
  const leaving = PRIVATE_KINDS.filter((kind) => !kept.has(kind));
  const gone = leaving.filter((kind) => kind !== "account").flatMap((kind) => secrets[kind]);
  const place = /** @param {unknown} value @returns {unknown} */ (value) => {
    if (typeof value === "string") return maskSecrets(value, gone);
    if (Array.isArray(value)) return value.map(place);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, place(inner)]));
  };
  const rest = /** @type {Report} */ (place(report));
  if (!leaving.includes("account")) return rest;
  // The local part may be a common word: only where the whole address stands.
  const local = secrets.account.map((name) => `${name}@`);
  const masked = JSON.stringify(rest, (_, value) =>
    typeof value === "string" ? local.reduce((text, name) => text.split(name).join(`${LEFT_OUT}@`), value) : value,
  );
  return JSON.parse(masked);
}

/**
 * What a kind holds, to be shown before somebody agrees to pass it on.
 *
 * @param {readonly string[]} secrets
 */
export const shownSecrets = (secrets) => secrets.slice(0, 6).map(plain).join(", ") + (secrets.length > 6 ? ", …" : "");
