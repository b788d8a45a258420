import { usableSettings } from "../core/managed-settings.js";

/** @typedef {import("../core/managed-settings.js").Managed} Managed */

/**
 * The part of `storage.managed` that is used.
 *
 * @typedef {object} ManagedArea
 * @property {() => Promise<Record<string, unknown>>} get
 * @property {{addListener(listener: () => void): void, removeListener(listener: () => void): void}} onChanged
 */

const area = () => /** @type {ManagedArea} */ (/** @type {unknown} */ (chrome.storage.managed));

/** What Firefox says where no administrator has set anything. */
const NOTHING_SET = /manifest not found/i;

/** What cannot be read may forbid that runs are kept. @type {Managed} */
const UNREADABLE = Object.freeze({ history: false, unreadable: true });

/**
 * What an administrator has set now; nothing where there is no administrator, which Firefox reports as an error. Any
 * other error is none of that. Right after a first start it may not be there yet: read it whenever it is needed, and
 * watch.
 *
 * @param {ManagedArea} [storage]
 * @returns {Promise<Managed>}
 */
export async function readManaged(storage = area()) {
  try {
    return usableSettings(await storage.get());
  } catch (error) {
    return NOTHING_SET.test(String(error)) ? usableSettings({}) : UNREADABLE;
  }
}

/**
 * Calls back with what is set now, and again whenever that changes, until the returned function is called.
 *
 * @param {(managed: Managed) => void} onChange
 * @param {ManagedArea} [storage]
 * @returns {() => void}
 */
export function watchManaged(onChange, storage = area()) {
  let watching = true;
  /** @type {string | null} */
  let last = null;
  /** Answers may overtake each other: only the latest question counts. */
  let asked = 0;
  async function look() {
    const question = ++asked;
    const managed = await readManaged(storage);
    const text = JSON.stringify(managed);
    if (!watching || question !== asked || text === last) return;
    last = text;
    onChange(managed);
  }
  // Listens before it reads: a change between the two would be lost for ever.
  storage.onChanged.addListener(look);
  look();
  return () => {
    watching = false;
    storage.onChanged.removeListener(look);
  };
}
