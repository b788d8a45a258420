/**
 * Why the host cannot be talked to. The names are the values of `data-problem`.
 *
 * @typedef {"host-missing" | "host-forbidden" | "host-crashed" | "host-blocked-by-policy" | "host-outdated" |
 *   "extension-outdated"} HostProblem
 */

/** The version of the native protocol that this extension speaks. */
export const PROTOCOL_VERSION = 1;

/**
 * What browsers say when a native port closes by itself, in the order in which they are tried. Firefox has one text
 * for a host that is not registered and for one that does not list this extension.
 *
 * @type {readonly (readonly [RegExp, HostProblem])[]}
 */
const BROWSER_TEXTS = [
  [/native messaging host not found/i, "host-missing"],
  [/no such native application/i, "host-missing"],
  [/native messaging host is forbidden/i, "host-forbidden"],
  [/disabled by the system administrator/i, "host-blocked-by-policy"],
];

/**
 * The cause behind a browser's text. Everything that is not known to be something else means that a program was
 * started and did not hold: it exited, could not be executed, or wrote what is not a frame.
 *
 * @param {string | null | undefined} text
 * @returns {HostProblem}
 */
export function problemInBrowserText(text) {
  return BROWSER_TEXTS.find(([pattern]) => pattern.test(text ?? ""))?.[1] ?? "host-crashed";
}

/**
 * Judges the protocol number of a `hello`.
 *
 * @param {unknown} protocol
 * @returns {HostProblem | null} null: the two can talk
 */
export function problemOfProtocol(protocol) {
  if (protocol === PROTOCOL_VERSION) return null;
  return typeof protocol === "number" && protocol > PROTOCOL_VERSION ? "extension-outdated" : "host-outdated";
}
