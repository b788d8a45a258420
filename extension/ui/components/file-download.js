import { h } from "./dom.js";

/** The browser may read a file later than it was told of it, after a question to the user. */
const KEPT_MS = 60_000;

/**
 * Hands a text file to the browser, which saves it as it saves downloads.
 *
 * @param {{name: string, mime: string, data: string}} file
 */
export function saveFile({ name, mime, data }) {
  const url = URL.createObjectURL(new Blob([data], { type: mime }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
