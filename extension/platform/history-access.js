import { HISTORY_CHANGED } from "../core/background-messages.js";
import { historyIn, isHistoryKey, reportKey, visibleToDocuments } from "../core/history-list.js";
import { Database } from "./database.js";
import { isOwnDocument } from "./senders.js";

/** @typedef {import("../core/background-messages.js").HistoryItems} HistoryItems */
/** @typedef {import("../core/background-messages.js").HistoryRequest} HistoryRequest */
/** @typedef {import("../core/background-messages.js").RetellRequest} RetellRequest */
/** @typedef {import("../core/history-list.js").StoredHistory} StoredHistory */
/** @typedef {import("../types/messages.d.ts").Report} Report */

/** @type {HistoryItems} */
const NOTHING = { items: {}, refused: true };

/** Whether local storage could be closed, asked once. @type {Promise<boolean> | null} */
let closing = null;

/** This document's own way to the database, opened when it is needed. @type {Database | null} */
let database = null;

/**
 * Keeps content scripts out of local storage. Where the browser can (Chromium from 140 on), past runs lie there; where it
 * cannot (before that it has the method, and refuses; Firefox has none), in a database.
 *
 * @param {{setAccessLevel?: (options: {accessLevel: "TRUSTED_CONTEXTS"}) => Promise<void>}} [area]
 * @returns {Promise<boolean>}  whether it is closed
 */
export async function closeToContentScripts(area = chrome.storage.local) {
  try {
    await area.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" });
    return typeof area.setAccessLevel === "function";
  } catch {
    return false;
  }
}

/** @param {Record<string, unknown>} items */
const seen = (items) => ({ items: visibleToDocuments(items), refused: false });

/**
 * Reads what is kept of past runs, for a page.
 *
 * @param {string[] | null} keys  null: everything
 * @returns {Promise<HistoryItems>}
 */
async function readKept(keys) {
  if (await (closing ??= closeToContentScripts())) return seen(await chrome.storage.local.get(keys));
  try {
    return seen(await (database ??= new Database()).get(keys));
  } catch {
    // In a private window: the background, which is in none, has it.
    /** @type {HistoryRequest} */
    const question = { type: "kept", keys };
    return (await chrome.runtime.sendMessage(question).catch(() => null)) ?? NOTHING;
  }
}

/**
 * The list of past runs.
 *
 * @returns {Promise<StoredHistory>}
 */
export async function readHistory() {
  const { items, refused } = await readKept(["past", "networks"]);
  return { ...historyIn(items), refused };
}

/**
 * @param {string} id
 * @returns {Promise<Report | null>}
 */
export async function readPastReport(id) {
  const { items } = await readKept([reportKey(id)]);
  return /** @type {Report | undefined} */ (items[reportKey(id)]) ?? null;
}

/**
 * The report of a past run as today's host tells it, where an earlier version kept it; the same report where there is
 * no host to tell it.
 *
 * @param {string} id
 * @param {Report} report
 * @returns {Promise<Report>}
 */
export async function retold(id, report) {
  if (report.told) return report;
  /** @type {RetellRequest} */
  const question = { type: "tell-past", id };
  return (await chrome.runtime.sendMessage(question).catch(() => null)) ?? report;
}

/**
 * Everything that is kept, by its keys.
 *
 * @returns {Promise<Record<string, unknown>>}
 */
export const readHistoryItems = async () => (await readKept(null)).items;

/**
 * Whether an earlier version's past runs still lie in local storage that pages can read, because nothing else can be
 * used.
 */
export async function isHistoryExposed() {
  if (await (closing ??= closeToContentScripts())) return false;
  return Object.keys(await chrome.storage.local.get(null)).some(isHistoryKey);
}

/**
 * Calls back whenever what is kept of past runs may have changed.
 *
 * @param {() => void} onChange
 */
export function followHistory(onChange) {
  chrome.storage.local.onChanged.addListener((changes) => {
    if ("past" in changes || "networks" in changes) onChange();
  });
  // Of a database, the background tells.
  chrome.runtime.onMessage.addListener((message, sender) => {
    if (isOwnDocument(sender) && message?.type === HISTORY_CHANGED) onChange();
  });
}
