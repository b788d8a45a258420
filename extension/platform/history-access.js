import { KEPT_CHANGED } from "../core/background-messages.js";
import { Database } from "./database.js";
import { isPrivateKey, pastIn, reportKey, visibleToPages } from "../core/history-list.js";
import { isOwn } from "./senders.js";

/** @typedef {import("../core/history-list.js").Past} Past */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("../core/background-messages.js").KeptAnswer} KeptAnswer */
/** @typedef {import("../core/background-messages.js").KeptQuestion} KeptQuestion */
/** @typedef {import("../core/background-messages.js").TellQuestion} TellQuestion */

/** @type {KeptAnswer} */
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
export async function close(area = chrome.storage.local) {
  try {
    await area.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" });
    return typeof area.setAccessLevel === "function";
  } catch {
    return false;
  }
}

/** @param {Record<string, unknown>} items */
const seen = (items) => ({ items: visibleToPages(items), refused: false });

/**
 * Reads what is kept of past runs, for a page.
 *
 * @param {string[] | null} keys  null: everything
 * @returns {Promise<KeptAnswer>}
 */
async function readKept(keys) {
  if (await (closing ??= close())) return seen(await chrome.storage.local.get(keys));
  try {
    return seen(await (database ??= new Database()).get(keys));
  } catch {
    // In a private window: the background, which is in none, has it.
    /** @type {KeptQuestion} */
    const question = { type: "kept", keys };
    return (await chrome.runtime.sendMessage(question).catch(() => null)) ?? NOTHING;
  }
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
 * The report of a past run as today's host tells it, where an earlier version kept it; the same report where there is
 * no host to tell it.
 *
 * @param {string} id
 * @param {Report} report
 * @returns {Promise<Report>}
 */
export async function toldAnew(id, report) {
  if (report.told) return report;
  /** @type {TellQuestion} */
  const question = { type: "tell-past", id };
  return (await chrome.runtime.sendMessage(question).catch(() => null)) ?? report;
}

/**
 * Everything that is kept, by its keys.
 *
 * @returns {Promise<Record<string, unknown>>}
 */
export const readAll = async () => (await readKept(null)).items;

/**
 * Whether an earlier version's past runs still lie in local storage that pages can read, because nothing else can be
 * used.
 */
export async function isLeftOpen() {
  if (await (closing ??= close())) return false;
  return Object.keys(await chrome.storage.local.get(null)).some(isPrivateKey);
}

/**
 * Calls back whenever what is kept of past runs may have changed.
 *
 * @param {() => void} onChange
 */
export function followKept(onChange) {
  chrome.storage.local.onChanged.addListener((changes) => {
    if ("past" in changes || "networks" in changes) onChange();
  });
  // Of a database, the background tells.
  chrome.runtime.onMessage.addListener((message, sender) => {
    if (isOwn(sender) && message?.type === KEPT_CHANGED) onChange();
  });
}
