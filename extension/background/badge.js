/** @typedef {import("../shared/run.js").Run} Run */
/** @typedef {import("../shared/link-state.js").LinkState} LinkState */

/**
 * @typedef {object} Badge
 * @property {string} text  a shape that can be told from the others without colour
 * @property {string} color
 */

/** @type {Badge} */
const NONE = { text: "", color: "#56616f" };
const FAILED = { text: "!", color: "#b3261e" };
const RUNNING = { text: "…", color: "#0f6674" };
const BY_SEVERITY = {
  blocker: { text: "✕", color: "#b3261e" },
  warning: { text: "!", color: "#8a5a00" },
  note: { text: "i", color: "#0f6674" },
  good: { text: "✓", color: "#1a7f4b" },
};

/**
 * @param {Run} run
 * @param {LinkState} link
 * @returns {Badge}
 */
export function badgeOf(run, link) {
  if (run.phase === "running") return RUNNING;
  if (link.phase === "failed" || run.phase === "failed") return FAILED;
  return run.report ? BY_SEVERITY[run.report.verdict.severity] : NONE;
}
