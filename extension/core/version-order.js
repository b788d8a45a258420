/**
 * Compares versions of numbers and dots; what follows them (a pre-release) does not count.
 *
 * @param {string} one
 * @param {string} other
 * @returns {number} negative: `one` is older
 */
export function compareVersions(one, other) {
  const numbers = (/** @type {string} */ text) => (/^\d+(\.\d+)*/.exec(text)?.[0] ?? "").split(".").map(Number);
  const [left, right] = [numbers(one), numbers(other)];
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Which side is older, where both speak the same protocol and can go on.
 *
 * @param {string | null} host  null: no host is there
 * @param {string} extension
 * @returns {"host" | "extension" | null}
 */
export function olderSide(host, extension) {
  if (!host || !/^\d/.test(host)) return null;
  const difference = compareVersions(host, extension);
  return difference === 0 ? null : difference < 0 ? "host" : "extension";
}
