import { historyIn, isHistoryKey, mergeHistories } from "../core/history-list.js";
import { Database } from "../platform/database.js";
import { closeToContentScripts } from "../platform/history-access.js";

/**
 * The part of a `StorageArea` that is used.
 *
 * @typedef {object} WritableArea
 * @property {(keys: string | string[] | null) => Promise<Record<string, any>>} get
 * @property {(items: Record<string, unknown>) => Promise<void>} set
 * @property {(keys: string | string[]) => Promise<void>} remove
 * @property {() => Promise<string[]>} [getKeys]
 */

/**
 * Where past runs lie, out of the reach of content scripts.
 *
 * @typedef {object} HistoryStorage
 * @property {WritableArea | null} area  null: the browser keeps nothing for us
 * @property {boolean} tells  the browser itself tells pages of changes
 * @property {() => Promise<void>} seal  to be awaited before a script is put into a page
 * @property {() => Promise<void>} sweep  empties the place in which past runs lay before
 */

/** Marks a database into which nothing more is moved. */
const SEAL = "sealed";

const NOTHING_TO_DO = async () => {};

/** @param {WritableArea} area */
async function privateKeys(area) {
  // Without the values, which a page may have made many.
  const keys = area.getKeys ? await area.getKeys() : Object.keys(await area.get(null));
  return keys.filter(isHistoryKey);
}

/** @param {WritableArea} area */
async function empty(area) {
  const keys = await privateKeys(area);
  if (keys.length > 0) await area.remove(keys);
}

/**
 * Moves past runs: copies them, reads the copy, and deletes the originals where it is the same. Stopped at any moment,
 * it begins anew. What lies in the new place already stays.
 *
 * @param {WritableArea} from
 * @param {WritableArea} to
 * @throws {Error} where there is no copy that is the same; nothing was deleted then
 */
export async function moveHistory(from, to) {
  const keys = await privateKeys(from);
  if (keys.length === 0) return;
  const originals = await from.get(keys);
  const there = await to.get(["past", "networks", "salt"]);
  const items =
    "past" in there ? { ...originals, ...there, ...mergeHistories(historyIn(there), historyIn(originals)) } : originals;
  await to.set(items);
  const copy = await to.get(Object.keys(items));
  for (const [key, value] of Object.entries(items)) {
    if (JSON.stringify(copy[key]) !== JSON.stringify(value)) throw new Error(`the copy of ${key} differs`);
  }
  // What cannot be deleted now is at the next start.
  await from.remove(keys).catch((error) => console.warn("Past runs stay in their old place too:", error));
}

/**
 * Closes storage to content scripts where the browser can, opens the place for past runs, and moves there what lies in
 * another. Never rejects.
 *
 * @param {object} [places]
 * @param {WritableArea & Parameters<typeof closeToContentScripts>[0]} [places.local]
 * @param {Parameters<typeof closeToContentScripts>[0][]} [places.others]  to be closed with it
 * @param {() => WritableArea} [places.database]
 * @param {() => Promise<boolean>} [places.isThere]  whether there is such a database
 * @returns {Promise<HistoryStorage>}
 */
export async function openHistoryStorage({
  local = chrome.storage.local,
  others = [chrome.storage.managed, chrome.storage.sync],
  database = () => new Database(),
  isThere = databaseIsThere,
} = {}) {
  const [closed] = await Promise.all([local, ...others].map((area) => area && closeToContentScripts(area)));
  try {
    return closed ? await openLocal(local, database, isThere) : await openDatabase(local, database());
  } catch (error) {
    console.warn("The browser keeps nothing for this extension:", error);
    return { area: null, tells: false, seal: NOTHING_TO_DO, sweep: () => empty(local) };
  }
}

/**
 * @param {WritableArea} local
 * @param {() => WritableArea} database
 * @param {() => Promise<boolean>} isThere
 * @returns {Promise<HistoryStorage>}
 */
async function openLocal(local, database, isThere) {
  const area = { area: local, tells: true, seal: NOTHING_TO_DO, sweep: NOTHING_TO_DO };
  if (!(await isThere())) return area;
  // The browser could not close local storage when past runs were put into the database.
  const before = database();
  await moveHistory(before, local);
  return { ...area, sweep: () => empty(before) };
}

/**
 * Local storage that stays open can be written by scripts in pages too. So it is believed only until one was put into a
 * page for the first time: what is found there later is not moved, but removed.
 *
 * @param {WritableArea} local
 * @param {WritableArea} database
 * @returns {Promise<HistoryStorage>}
 */
async function openDatabase(local, database) {
  const { [SEAL]: sealed } = await database.get(SEAL);
  if (sealed) await empty(local).catch((error) => console.warn("Open storage cannot be emptied:", error));
  else await moveHistory(local, database);
  /** @type {Promise<void> | null} */
  let sealing = null;
  const seal = () =>
    (sealing ??= database.set({ [SEAL]: true }).catch((error) => {
      sealing = null;
      throw error;
    }));
  return { area: database, tells: false, seal, sweep: () => empty(local) };
}

async function databaseIsThere() {
  const known = (await globalThis.indexedDB?.databases?.()) ?? [];
  return known.some(({ name }) => name === Database.NAME);
}
