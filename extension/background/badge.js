/** @typedef {import("../core/run.js").Run} Run */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */

/**
 * @typedef {object} Badge
 * @property {string} text  a shape that can be told from the others without colour
 * @property {string} color
 */

/** @type {Badge} */
const NONE = { text: "", color: "#56616f" };
const FAILED = { text: "!", color: "#b3261e" };
const UNPROVEN = { text: "?", color: "#56616f" };
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
  // The icon stands in every window, the result of a private one in none of the others.
  if (run.private) return NONE;
  if (run.phase === "running") return RUNNING;
  if (link.phase === "failed" || run.phase === "failed") return FAILED;
  if (!run.report) return NONE;
  return run.report.verdict.code === "unproven" ? UNPROVEN : BY_SEVERITY[run.report.verdict.severity];
}
