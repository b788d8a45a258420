import { plain } from "./catalogue.js";

/**
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Finding} Finding
 * @typedef {import("../types/messages.d.ts").Observation} Observation
 * @typedef {import("../types/messages.d.ts").Told} Told
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 */

/**
 * What a finding says. A host of an earlier version sends no sentences, and one of a later version some that are not
 * known here.
 *
 * @param {Pick<Finding, "code"> & Partial<Pick<Finding, "says">>} finding
 * @param {Catalogue} t
 */
export const sentenceOf = ({ code, says }, t) =>
  (says && t.said(says)) || t.text("ui_unknown_finding", { code: plain(code) });

/**
 * The first thing that is told of a report.
 *
 * @param {Report} report
 * @param {Catalogue} t
 */
export const headlineOf = ({ told, verdict }, t) => sentenceOf({ code: verdict.code, says: told?.headline ?? null }, t);

/**
 * How a report knows what it says: a line for each reason. Where something was left out of the report, lines that
 * differed only in that are one.
 *
 * @param {Report} report
 * @param {Catalogue} t
 */
export const reasonsOf = ({ told }, t) => [
  ...new Set((told?.reasons ?? []).map((reason) => t.paragraph(reason)).filter((line) => line !== "")),
];

/**
 * The message to those who can remove the cause, as text; null where nobody needs to be told.
 *
 * @param {Report} report
 * @param {Catalogue} t
 */
export const messageOf = ({ told }, t) => (told?.message ? t.paragraph(told.message.says) : null);

/**
 * The observations with these ids, in their order.
 *
 * @param {Report} report
 * @param {readonly (string | null)[]} ids
 * @returns {Observation[]}
 */
export const observationsOf = ({ observations }, ids) =>
  ids.flatMap((id) => observations.find((one) => one.id === id) ?? []);
