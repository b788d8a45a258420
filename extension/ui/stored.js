import { DISCONNECTED } from "../shared/link-state.js";
import { IDLE } from "../shared/run.js";

/**
 * What the background keeps for the pages.
 *
 * @typedef {{link: import("../shared/link-state.js").LinkState, run: import("../shared/run.js").Run}} Stored
 */

/**
 * Reads the state of the background and follows it.
 *
 * @param {(state: Stored) => void} onChange
 * @returns {Promise<Stored>} the state at the beginning
 */
export async function follow(onChange) {
  /** @type {Partial<Stored>} */
  let newer = {};
  /** @type {Stored | null} */
  let state = null;
  // Listens before it reads: a change between the two would be lost for ever, one that is seen twice does no harm.
  chrome.storage.session.onChanged.addListener((changes) => {
    for (const key of /** @type {const} */ (["link", "run"])) {
      const value = changes[key]?.newValue;
      if (value !== undefined) newer = { ...newer, [key]: value };
    }
    if (!state) return;
    state = { ...state, ...newer };
    onChange(state);
  });
  const stored = await chrome.storage.session.get(["link", "run"]);
  state = { link: DISCONNECTED, run: IDLE, ...stored, ...newer };
  return state;
}
