import { read } from "./managed-storage.js";
import { effective, PREFERENCES } from "../core/preferences.js";

/** @typedef {import("../core/preferences.js").Effective} Effective */

/** @returns {Promise<Effective>} */
export async function readPreferences() {
  const [preferences, managed] = await Promise.all([chrome.storage.local.get(PREFERENCES), read()]);
  return effective(preferences, managed);
}
