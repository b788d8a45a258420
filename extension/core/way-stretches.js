/** @typedef {import("../types/messages.d.ts").Way} Way */

export const STATIONS = /** @type {const} */ (["you", "box", "provider", "internet", "server"]);

/**
 * How a stretch of the way is drawn: it is passed, connections stop somewhere on it, or they do not come so far.
 *
 * @typedef {"passed" | "perhaps" | "beyond"} Stretch
 */

/**
 * The stretches between the five stations as a stopped port sees them. `at`: the station at which it stops, where that
 * is known (then no stretch is doubtful).
 *
 * @param {Way} way
 * @returns {{stretches: Stretch[], at: number | null}}
 */
export function stretches({ stops_from: from, stops_to: to }) {
  const [first, last] = [STATIONS.indexOf(from), STATIONS.indexOf(to)];
  return {
    stretches: STATIONS.slice(1).map((_, index) => (index < first ? "passed" : index < last ? "perhaps" : "beyond")),
    at: first === last ? first : null,
  };
}
