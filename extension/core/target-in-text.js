/** The host takes no longer target. */
export const TARGET_LIMIT = 512;

const ADDRESS = /[^\s<>"'(),:;[\]]+@[\p{L}\p{N}.-]+\.[\p{L}\p{N}-]+/u;
const PLACE = /(?:[a-z\d+.-]+:\/\/)?(?:\[[\da-f:.]+\]|(?:[\p{L}\p{N}_-]+\.)+[\p{L}\p{N}-]+)(?::\d{1,5})?/iu;

/**
 * What can be tested of a text that somebody marked: an address, else a name, else the text itself, which the host
 * refuses in its own words.
 *
 * @param {string} text
 */
export function targetInText(text) {
  const line = text.replace(/\s+/gu, " ").trim().slice(0, TARGET_LIMIT);
  const found = ADDRESS.exec(line)?.[0] ?? PLACE.exec(line)?.[0];
  return found?.replace(/[.-]+$/u, "") ?? line;
}

/**
 * What can be tested of a link: the address that it writes to, or its host. Null for any other.
 *
 * @param {string} url
 */
export function targetOfLink(url) {
  try {
    const { protocol, hostname, pathname } = new URL(url);
    if (protocol === "mailto:") {
      const [first] = decodeURIComponent(pathname).split(",");
      return targetInText(first) || null;
    }
    return protocol === "https:" || protocol === "http:" ? hostname : null;
  } catch {
    return null;
  }
}
