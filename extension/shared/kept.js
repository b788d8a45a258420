import { pastIn, reportKey } from "./past.js";
import { isOwn } from "./senders.js";

/** @typedef {import("./past.js").Past} Past */
/** @typedef {import("../types/messages.d.ts").Report} Report */

/**
 * A page's question for what is kept of past runs, and the background's answer. `refused`: the browser keeps nothing
 * here.
 *
 * @typedef {{type: "kept", keys: string[] | null}} KeptQuestion
 * @typedef {{items: Record<string, unknown>, refused: boolean}} KeptAnswer
 */

/** The background's word to pages that what is kept has changed. */
export const KEPT_CHANGED = "kept-changed";

/**
 * Whether content scripts can be kept out of local storage: Chromium can, Firefox cannot. Where they can, past runs lie
 * there; where they cannot, past runs lie in a database that the background alone opens, and pages ask it.
 *
 * @param {{setAccessLevel?: unknown}} [local]
 */
export const canClose = (local = chrome.storage.local) => typeof local.setAccessLevel === "function";

/** @type {KeptAnswer} */
const NOTHING = { items: {}, refused: true };

/**
 * Reads what is kept of past runs, for a page.
 *
 * @param {string[] | null} keys  null: everything
 * @returns {Promise<KeptAnswer>}
 */
export async function readKept(keys) {
  if (canClose()) return { items: await chrome.storage.local.get(keys), refused: false };
  /** @type {KeptQuestion} */
  const question = { type: "kept", keys };
  return (await chrome.runtime.sendMessage(question).catch(() => null)) ?? NOTHING;
}

/**
 * The list of past runs. `refused`: the browser keeps nothing here.
 *
 * @returns {Promise<Past & {refused: boolean}>}
 */
export async function readPast() {
  const { items, refused } = await readKept(["past", "networks"]);
  return { ...pastIn(items), refused };
}

/**
 * @param {string} id
 * @returns {Promise<Report | null>}
 */
export async function readReport(id) {
  const { items } = await readKept([reportKey(id)]);
  return /** @type {Report | undefined} */ (items[reportKey(id)]) ?? null;
}

/**
 * Calls back whenever what is kept of past runs may have changed.
 *
 * @param {() => void} onChange
 */
export function followKept(onChange) {
  if (canClose()) {
    chrome.storage.local.onChanged.addListener((changes) => {
      if ("past" in changes || "networks" in changes) onChange();
    });
    return;
  }
  chrome.runtime.onMessage.addListener((message, sender) => {
    if (isOwn(sender) && message?.type === KEPT_CHANGED) onChange();
  });
}
