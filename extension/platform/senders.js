/**
 * The part of `chrome.runtime` that tells who this extension is.
 *
 * @typedef {Pick<typeof chrome.runtime, "id" | "getURL">} Identity
 */

/**
 * Whether a message or a connection comes from one of this extension's own documents, or from its background.
 *
 * A content script bears the extension's id as well, but whoever has taken over the page's process can make it say
 * anything. The browser itself tells the two apart: a content script's address and origin are those of the page.
 *
 * @param {chrome.runtime.MessageSender | undefined} sender
 * @param {Identity} [self]
 */
export function isOwnDocument(sender, self = chrome.runtime) {
  const home = self.getURL("");
  if (!sender || sender.id !== self.id || !sender.url?.startsWith(home)) return false;
  return sender.origin === undefined || `${sender.origin}/` === home;
}
