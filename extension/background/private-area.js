import { canClose } from "../shared/kept.js";
import { isPrivateKey, merged, pastIn } from "../shared/past.js";
import { Database } from "./database.js";

/**
 * The part of a `StorageArea` that is used.
 *
 * @typedef {object} Area
 * @property {(keys: string | string[] | null) => Promise<Record<string, any>>} get
 * @property {(items: Record<string, unknown>) => Promise<void>} set
 * @property {(keys: string | string[]) => Promise<void>} remove
 */

/**
 * Where past runs lie, out of the reach of content scripts.
 *
 * @typedef {object} PrivateArea
 * @property {Area | null} area  null: the browser keeps nothing for us
 * @property {() => Promise<void>} seal  to be awaited before a script is put into a page
 * @property {() => Promise<void>} sweep  empties the place in which past runs lay before
 */

/** Marks a database into which nothing more is moved. */
const SEAL = "sealed";

const NOTHING_TO_DO = async () => {};

/** @param {Area} area */
async function privateItems(area) {
  return Object.fromEntries(Object.entries(await area.get(null)).filter(([key]) => isPrivateKey(key)));
}

/** @param {Area} area */
const emptied = async (area) => area.remove(Object.keys(await privateItems(area)));

/**
 * Moves past runs: copies them, reads the copy, and deletes the originals where it is the same. Stopped at any moment,
 * it begins anew. What lies in the new place already stays.
 *
 * @param {Area} from
 * @param {Area} to
 * @throws {Error} where the copy is not the same; nothing was deleted then
 */
export async function move(from, to) {
  const originals = await privateItems(from);
  const keys = Object.keys(originals);
  if (keys.length === 0) return;
  const there = await to.get(["past", "networks", "salt"]);
  const items = "past" in there ? { ...originals, ...there, ...merged(pastIn(there), pastIn(originals)) } : originals;
  await to.set(items);
  const copy = await to.get(Object.keys(items));
  for (const [key, value] of Object.entries(items)) {
    if (JSON.stringify(copy[key]) !== JSON.stringify(value)) throw new Error(`the copy of ${key} differs`);
  }
  await from.remove(keys);
}

/**
 * Closes storage to content scripts where the browser can, opens the place for past runs, and moves there what lies in
 * another. Never rejects.
 *
 * @param {object} [places]
 * @param {chrome.storage.StorageArea} [places.local]
 * @param {(chrome.storage.StorageArea | undefined)[]} [places.others]  to be closed with it
 * @param {() => Area} [places.database]
 * @param {() => Promise<boolean>} [places.isThere]  whether there is such a database
 * @returns {Promise<PrivateArea>}
 */
export async function openPrivateArea({
  local = chrome.storage.local,
  others = [chrome.storage.managed, chrome.storage.sync],
  database = () => new Database(),
  isThere = databaseIsThere,
} = {}) {
  return canClose(local) ? openLocal(local, others, database, isThere) : openDatabase(local, database());
}

/**
 * @param {chrome.storage.StorageArea} local
 * @param {(chrome.storage.StorageArea | undefined)[]} others
 * @param {() => Area} database
 * @param {() => Promise<boolean>} isThere
 * @returns {Promise<PrivateArea>}
 */
async function openLocal(local, others, database, isThere) {
  const closed = { area: local, seal: NOTHING_TO_DO, sweep: NOTHING_TO_DO };
  try {
    await Promise.all([local, ...others].map((area) => area?.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" })));
    if (!(await isThere())) return closed;
    // The browser could not close local storage when past runs were put into the database.
    const before = database();
    await move(before, local);
    return { ...closed, sweep: () => emptied(before) };
  } catch (error) {
    return refused(error, local);
  }
}

/**
 * Local storage that stays open can be written by a page's process too. So it is believed only until a script was put
 * into a page for the first time: what is found there later is not moved, but removed.
 *
 * @param {Area} local
 * @param {Area} database
 * @returns {Promise<PrivateArea>}
 */
async function openDatabase(local, database) {
  try {
    const { [SEAL]: sealed } = await database.get(SEAL);
    await (sealed ? emptied(local) : move(local, database));
  } catch (error) {
    return refused(error, local);
  }
  /** @type {Promise<void> | null} */
  let sealing = null;
  const seal = () => (sealing ??= database.set({ [SEAL]: true }));
  return { area: database, seal, sweep: () => emptied(local) };
}

/**
 * @param {unknown} error
 * @param {Area} local
 * @returns {PrivateArea}
 */
function refused(error, local) {
  console.warn("The browser keeps nothing for this extension:", error);
  return { area: null, seal: NOTHING_TO_DO, sweep: () => emptied(local) };
}

async function databaseIsThere() {
  const known = (await globalThis.indexedDB?.databases?.()) ?? [];
  return known.some(({ name }) => name === Database.NAME);
}
