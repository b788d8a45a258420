import { isVerifiedEncrypted } from "./verified-settings.js";

/** @typedef {import("../types/messages.d.ts").ExportMessage["format"]} Format */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("../types/messages.d.ts").Setting} Setting */

/** The kinds of files that the host makes, in the order in which they are offered. */
export const EXPORT_FORMATS = /** @type {const} */ (["mobileconfig", "autoconfig", "text", "json"]);

/** Ways to sign in that files can name; what a newer host adds to them asks for nothing. */
const FAMILIES = new Set(["password", "oauth2", "kerberos", "ntlm", "certificate"]);

/** Those of them that Apple's profiles know. */
const APPLE = new Set(["password", "ntlm"]);

/** @param {Setting} setting */
function fitsApple({ auth }) {
  const known = auth.filter((family) => FAMILIES.has(family));
  return known.length === 0 || known.some((family) => APPLE.has(family));
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
