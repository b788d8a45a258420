import { MAIL_PORTS } from "./mail-ports.js";

/** The host takes no longer target. */
export const TARGET_LIMIT = 512;

// As the host reads them (host/poterne/target/parser.py): browsers take a backslash for a slash, and some show no scheme.
const WEB_ADDRESS = /^(https?):[/\\]{2}([^/\\?#]*)/iu;
const HOST_AND_PATH = /^(\[[\da-f:.]+\]|[^\s/\\?#@:[\]]+)(?::(\d{1,5}))?[/?#](?!\d+$)/iu;
const ADDRESS = /[^\s<>"'(),:;[\]]+@[\p{L}\p{N}.-]+\.[\p{L}\p{N}-]+/u;
const PLACE = /(?:[a-z\d+.-]+:\/\/)?(?:\[[\da-f:.]+\]|(?:[\p{L}\p{N}_-]+\.)+[\p{L}\p{N}-]+)(?::\d{1,5})?/iu;

/**
 * A web address with its host alone: what else it holds, a password among others, is kept nowhere. Any other text as it
 * is.
 *
 * @param {string} text
 */
export function withoutPath(text) {
  const [, scheme = "https", authority] = WEB_ADDRESS.exec(text) ?? [];
  const [, bare = "", port] = HOST_AND_PATH.exec(text) ?? [];
  const isOfMail = MAIL_PORTS.some(({ number }) => number === Number(port));
  if (authority === undefined && (isOfMail || !/[.[]/u.test(bare))) return text;
  const host = authority?.slice(authority.lastIndexOf("@") + 1) ?? bare;
  return `${scheme.toLowerCase()}://${host}`;
}

/**
 * What can be tested of a text that somebody marked: an address, else a name, else the text itself, which the host
 * refuses in its own words.
 *
 * @param {string} text
 */
export function targetInText(text) {
  const line = withoutPath(text.replace(/\s+/gu, " ").trim()).slice(0, TARGET_LIMIT);
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
