import { handover } from "./data/handover.js";
import { isVerifiedEncrypted } from "./verified-settings.js";

/** @typedef {import("../types/messages.d.ts").ExportMessage["format"]} Format */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("../types/messages.d.ts").Setting} Setting */

/** The kinds of files that the host makes, in the order in which they are offered. @type {readonly Format[]} */
export const EXPORT_FORMATS = /** @type {Format[]} */ (handover.formats);

/** @param {Setting} setting */
function fitsApple({ auth }) {
  // What a newer host adds to the ways to sign in asks for nothing.
  const known = auth.filter((family) => handover.mozilla.includes(family));
  return known.length === 0 || known.some((family) => handover.apple.includes(family));
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
  const any = incoming.length + outgoing.length > 0;
  /** @type {Record<Format, boolean>} */
  const possible = {
    mobileconfig: incoming.some(fitsApple) && outgoing.some(fitsApple),
    autoconfig: incoming.length > 0 && outgoing.length > 0 && Boolean(target.domain),
    text: any,
    json: any,
  };
  return EXPORT_FORMATS.filter((format) => possible[format]);
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
