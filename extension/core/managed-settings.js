/**
 * A server that the organisation names, for display.
 *
 * @typedef {{protocol: "smtp" | "imap" | "pop3", host: string, port: number, security: "tls" | "starttls" | "none"}}
 *   ManagedServer
 */

/**
 * What an administrator has set; what is absent is the user's to choose.
 *
 * @typedef {object} Managed
 * @property {string} [organisation]
 * @property {string} [help]  an https address
 * @property {string} [domain]  lower case
 * @property {readonly ManagedServer[]} [servers]
 * @property {string} [program]
 * @property {boolean} [history]
 * @property {string} [language]
 * @property {true} [unreadable]  something is set, and the browser cannot tell what
 */

const PROTOCOLS = ["smtp", "imap", "pop3"];
const SECURITIES = ["tls", "starttls", "none"];
const MAX_SERVERS = 24;

/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value.trim() !== "" && value.length <= 200;

/** @param {unknown} value */
function isAddress(value) {
  try {
    return isText(value) && new URL(/** @type {string} */ (value)).protocol === "https:";
  } catch {
    return false;
  }
}

/** @param {any} value */
const isServer = (value) =>
  typeof value === "object" &&
  value !== null &&
  isText(value.host) &&
  PROTOCOLS.includes(value.protocol) &&
  SECURITIES.includes(value.security) &&
  Number.isInteger(value.port) &&
  value.port >= 1 &&
  value.port <= 65535;

/** @type {Record<Exclude<keyof Managed, "unreadable">, (value: any) => unknown>} undefined: it cannot be used */
const READERS = {
  organisation: (value) => (isText(value) ? value.trim() : undefined),
  help: (value) => (isAddress(value) ? value : undefined),
  domain: (value) => (isText(value) ? value.trim().toLowerCase().replace(/\.$/, "") : undefined),
  servers: (value) =>
    Array.isArray(value)
      ? value
          .filter(isServer)
          .slice(0, MAX_SERVERS)
          .map(({ protocol, host, port, security }) => ({ protocol, host, port, security }))
      : undefined,
  program: (value) => (isText(value) ? value.trim() : undefined),
  history: (value) => (typeof value === "boolean" ? value : undefined),
  language: (value) => (isText(value) ? value.trim().toLowerCase() : undefined),
};

/**
 * What can be used of stored values. Firefox checks them against no schema.
 *
 * @param {Record<string, unknown>} stored
 * @returns {Managed}
 */
export function usableSettings(stored) {
  /** @type {Record<string, unknown>} */
  const managed = {};
  for (const [key, reader] of Object.entries(READERS)) {
    const value = reader(stored[key]);
    if (value !== undefined) managed[key] = value;
  }
  return Object.freeze(managed);
}
