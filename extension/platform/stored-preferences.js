import { effective, PREFERENCES } from "../core/preferences.js";
import { readManaged } from "./managed-storage.js";

/** @typedef {import("../core/preferences.js").Effective} Effective */

/** @returns {Promise<Effective>} */
export async function readPreferences() {
  const [preferences, managed] = await Promise.all([chrome.storage.local.get(PREFERENCES), readManaged()]);
  return effective(preferences, managed);
}
