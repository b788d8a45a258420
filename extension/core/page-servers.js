import { MAIL_PORTS } from "./mail-ports.js";
import { isVerifiedEncrypted } from "./verified-settings.js";

/** @typedef {import("../types/messages.d.ts").Setting} Setting */
/** @typedef {import("../types/page.d.ts").PageServer} PageServer */
/** @typedef {import("../types/page.d.ts").Wanted} Wanted */
/** @typedef {import("./page-state.js").PageState} PageState */
/** @typedef {import("./run.js").Run} Run */

/** How a connection to a port begins, where that is known. @param {number} port */
const usual = (port) => MAIL_PORTS.find(({ number }) => number === port)?.begins;

/**
 * The scheme that asks a protocol for a security; a bare `host:port` asks for whatever the port speaks.
 *
 * @param {string} dialogue
 * @param {"tls" | "starttls"} asked
 */
const schemeFor = (dialogue, asked) =>
  MAIL_PORTS.flatMap(({ begins, schemes = [] }) => (begins === asked ? schemes : [])).find((scheme) =>
    scheme.startsWith(dialogue),
  );

/**
 * What a server on a page is tested as: exactly what the page says; null where it names none.
 *
 * @param {PageServer} server
 * @returns {string | null}
 */
export function targetOfServer({ host, port, security, protocol, direction }) {
  if (!host.name) return null;
  const bare = host.name.replace(/^\[|\]$/gu, "");
  const name = bare.includes(":") ? `[${bare}]` : bare;
  if (!port?.port) return bare;
  const place = `${name}:${port.port}`;
  const asked = security?.means;
  const spoken = protocol ?? (direction === "outgoing" ? "smtp" : null);
  if ((asked !== "tls" && asked !== "starttls") || !spoken || usual(port.port) === asked) return place;
  return `${schemeFor(spoken, asked)}://${place}`;
}

/** Whether there is anything on a page that can be tested. @param {PageState} page */
export const pageNamesTarget = ({ reading }) =>
  reading !== null && (reading.address !== null || reading.servers.some(({ host }) => host.name));

/**
 * Whether a run was asked for while this very document was read.
 *
 * @param {Run} run
 * @param {PageState} page
 */
export const runIsOfPage = (run, { reading }) =>
  run.page !== null && reading !== null && run.page.token === reading.token;

/**
 * Whether the run's settings may be meant for a server's fields: a press on one server says nothing of another.
 *
 * @param {Run} run
 * @param {PageServer} server
 */
function concerns({ report, page }, { id, host }) {
  const target = report?.target;
  if (!target || !page) return false;
  if (target.kind === "account" || target.kind === "domain" || page.server === null) return true;
  return page.server === id || host.name === target.host;
}

/**
 * The settings that work from here for one server on a page, and the first that its form can take. Never one without
 * encryption, and never one that was not tested.
 *
 * @param {Run} run
 * @param {PageServer} server
 * @returns {{working: Setting[], wanted: Wanted | null}}
 */
export function settingsForServer(run, server) {
  const { report } = run;
  if (run.phase !== "done" || !report || !concerns(run, server)) return { working: [], wanted: null };
  const { direction, protocol, port, security } = server;
  const lists = direction ? [report.settings[direction]] : [report.settings.outgoing, report.settings.incoming];
  const working = lists
    .flat()
    .filter((setting) => isVerifiedEncrypted(setting) && (!protocol || protocol === setting.protocol));
  const taken = working.find((setting) => {
    const portFits = !port?.offers || port.offers.includes(setting.port);
    const offers = security?.offers;
    return portFits && (!offers || offers.some((one) => one === setting.security || one === "either"));
  });
  return { working, wanted: taken ? wantedOf(taken) : null };
}

/**
 * @param {Setting} setting
 * @returns {Wanted | null}
 */
const wantedOf = ({ host, port, security }) => (security === "none" ? null : { host, port, security });

/**
 * @param {PageServer} server
 * @param {Wanted} wanted
 */
export const formHolds = ({ host, port, security }, wanted) =>
  host.name === wanted.host &&
  (!port || port.port === wanted.port) &&
  (!security ||
    security.means === wanted.security ||
    (security.means === "either" && usual(wanted.port) === wanted.security));
