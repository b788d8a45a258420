import { said } from "./sentence.js";

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

/** Somebody else answers there: connections come about, but not with the server. */
const INTERCEPTED = new Set(["smtp-intercepted", "starttls-stripped", "tls-intercepted", "captive-portal"]);

/**
 * The picture of the way in a sentence or two.
 *
 * @param {Way} way
 * @param {string} code  the verdict's
 * @param {import("./catalogue.js").Catalogue} catalogue
 */
export function wayInWords(way, code, catalogue) {
  const { stopped, passing } = way;
  const key = INTERCEPTED.has(code) ? "way_meets" : "way_stops";
  const stops = { ports: stopped, where: place(way, catalogue) };
  const parts = [said({ key, values: stops, count: stopped.length }, catalogue)];
  if (passing.length > 0) {
    parts.push(said({ key: "way_passes", values: { ports: passing }, count: passing.length }, catalogue));
  }
  return parts.join(" ");
}

/**
 * @param {Way} way
 * @param {import("./catalogue.js").Catalogue} catalogue
 */
function place({ stops_from: from, stops_to: to }, catalogue) {
  if (from === to) return catalogue.text(`way_where_${from}`);
  const near = STATIONS.indexOf(to) - STATIONS.indexOf(from) === 1;
  const values = { from: catalogue.text(`way_name_${from}`), to: catalogue.text(`way_name_${to}`) };
  return catalogue.text(near ? "way_between" : "way_somewhere", values);
}
