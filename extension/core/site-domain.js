/** @typedef {import("../types/page.d.ts").FormWords} FormWords */

/**
 * The domain that a site's mail addresses probably have: the name below a public suffix.
 *
 * @param {string} host
 * @param {Pick<FormWords, "second_level" | "shared_suffixes">} words
 * @returns {string | null}
 */
export function siteDomain(host, { second_level, shared_suffixes }) {
  const labels = host.toLowerCase().replace(/\.$/u, "").split(".");
  const last = labels.at(-1) ?? "";
  if (labels.length < 2 || !/^(?:[a-z]{2,63}|xn--[a-z\d-]+)$/u.test(last)) return null;
  const pair = labels.slice(-2).join(".");
  const shared = shared_suffixes.includes(pair) || (last.length === 2 && second_level.includes(labels.at(-2) ?? ""));
  const kept = shared ? 3 : 2;
  return labels.length >= kept ? labels.slice(-kept).join(".") : null;
}
