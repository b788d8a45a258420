import { formats } from "./data/formats.js";
import { isVerifiedEncrypted } from "./verified-settings.js";

/** @typedef {import("../types/messages.d.ts").ExportMessage["format"]} Format */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("../types/messages.d.ts").Setting} Setting */

/** The kinds of files that the host makes, in the order in which they are offered. @type {readonly Format[]} */
export const EXPORT_FORMATS = /** @type {Format[]} */ (Object.keys(formats.format));

/**
 * What a format needs.
 *
 * @typedef {object} Needs
 * @property {boolean} both  a setting for each direction
 * @property {boolean} domain  a mail domain
 * @property {string[] | null} auth  the ways to sign in that it has a word for; null: all
 */

/**
 * @param {Setting} setting
 * @param {string[] | null} able
 */
function canSignIn({ auth }, able) {
  // What a newer host adds to the ways to sign in asks for nothing.
  const known = auth.filter((family) => formats.signIns.includes(family));
  return able === null || known.length === 0 || known.some((family) => able.includes(family));
}

/**
 * The files that the host can make of a report: of verified, encrypted settings only.
 *
 * @param {Report} report
 * @returns {Format[]}
 */
export function exportFormats({ settings, target }) {
  const incoming = settings.incoming.filter((setting) => setting.protocol !== "smtp" && isVerifiedEncrypted(setting));
  const outgoing = settings.outgoing.filter((setting) => setting.protocol === "smtp" && isVerifiedEncrypted(setting));
  return Object.entries(/** @type {Record<Format, Needs>} */ (formats.format))
    .filter(([, { both, domain, auth }]) => {
      const directions = [incoming, outgoing].filter((settings) => settings.some((each) => canSignIn(each, auth)));
      return directions.length >= (both ? 2 : 1) && (!domain || Boolean(target.domain));
    })
    .map(([format]) => format);
}

/**
 * A report without what no file is made of: with it, a long one would not fit into a message again.
 *
 * @param {Report} report
 * @returns {Report}
 */
export const withoutEvidence = (report) => ({
  ...report,
  told: null,
  observations: [],
  findings: [],
  names: [],
  offers: [],
  lookups: [],
});
