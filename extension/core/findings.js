/** @typedef {import("../types/messages.d.ts").Finding} Finding */
/** @typedef {import("../types/messages.d.ts").Report["verdict"]} Verdict */

const GRAVITY = ["blocker", "warning", "note", "good"];

/**
 * The findings beside the verdict, the gravest first.
 *
 * @param {readonly Finding[]} findings
 * @param {Verdict | null} verdict
 */
export function otherFindings(findings, verdict) {
  const named = findings.filter(({ code }) => code === verdict?.code);
  const told =
    named.find(({ severity, confidence }) => severity === verdict?.severity && confidence === verdict.confidence) ??
    named[0];
  return findings
    .filter((finding) => finding !== told)
    .sort((one, other) => GRAVITY.indexOf(one.severity) - GRAVITY.indexOf(other.severity));
}
