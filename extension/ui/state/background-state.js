import { UNSTORED_RUN } from "../../core/background-messages.js";
import { DISCONNECTED } from "../../core/link-state.js";
import { IDLE_RUN } from "../../core/run.js";
import { isOwnDocument } from "../../platform/senders.js";

/** @typedef {import("../../core/background-messages.js").BackgroundState} BackgroundState */

/** @param {unknown} run */
const isLost = (run) => /** @type {import("../../core/run.js").Run | undefined} */ (run)?.failure?.cause === "unkept";

/**
 * Reads the state of the background and follows it.
 *
 * @param {(state: BackgroundState) => void} onChange
 * @returns {Promise<BackgroundState>} the state at the beginning
 */
export async function followBackground(onChange) {
  /** @type {Partial<BackgroundState>} */
  let newer = {};
  /** @type {BackgroundState | null} */
  let state = null;
  /** The run that the background had to tell of itself. @type {string | null} */
  let told = null;
  // Listens before it reads: a change between the two would be lost for ever, one that is seen twice does no harm.
  chrome.storage.session.onChanged.addListener((changes) => {
    for (const key of /** @type {const} */ (["link", "run", "unkept"])) {
      const value = changes[key]?.newValue;
      if (value !== undefined) newer = { ...newer, [key]: value };
    }
    if (!state) return;
    if (told !== null && newer.run?.id === told) {
      if (isLost(newer.run)) newer = { ...newer, run: state.run };
      else [told, newer] = [null, { unkept: null, ...newer }];
    }
    state = { ...state, ...newer };
    onChange(state);
  });
  // What there is no room to store, the background says itself.
  chrome.runtime.onMessage.addListener((message, sender) => {
    // Other pages ask under the same name; scripts in pages of the web may say anything.
    if (!isOwnDocument(sender) || message?.type !== UNSTORED_RUN || !message.state) return;
    newer = message.state;
    told = message.state.run.id;
    if (!state) return;
    state = message.state;
    onChange(message.state);
  });
  const stored = await chrome.storage.session.get(["link", "run", "unkept"]);
  const whole = isLost(stored["run"])
    ? await chrome.runtime.sendMessage({ type: UNSTORED_RUN }).catch(() => null)
    : null;
  if (whole) told = whole.run.id;
  /** @type {BackgroundState} */
  const first = { link: DISCONNECTED, run: IDLE_RUN, unkept: null, ...stored, ...whole, ...newer };
  state = first;
  return first;
}
