/** @typedef {import("../types/messages.d.ts").Finding} Finding */
/** @typedef {import("../types/messages.d.ts").Report} Report */

/**
 * The finding that the verdict names.
 *
 * @param {Report} report
 * @returns {Finding}
 */
export function verdictFinding({ verdict, findings }) {
  const named = findings.filter(({ code }) => code === verdict.code);
  const exact = named.find(
    ({ severity, confidence }) => severity === verdict.severity && confidence === verdict.confidence,
  );
  return exact ?? named[0] ?? { ...verdict, host: null, port: null, family: null, params: {}, evidence: [] };
}

const ORDER = ["blocker", "warning", "note", "good"];

/**
 * The findings beside the verdict, the gravest first.
 *
 * @param {readonly Finding[]} findings
 * @param {Finding | null} verdict
 */
export const otherFindings = (findings, verdict) =>
  findings
    .filter((finding) => finding !== verdict)
    .sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
