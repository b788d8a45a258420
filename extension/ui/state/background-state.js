import { ASK_UNKEPT } from "../../core/background-messages.js";
import { DISCONNECTED } from "../../core/link-state.js";
import { IDLE } from "../../core/run.js";
import { isOwn } from "../../platform/senders.js";

/** @typedef {import("../../core/background-messages.js").Stored} Stored */

/** @param {unknown} run */
const isLost = (run) => /** @type {import("../../core/run.js").Run | undefined} */ (run)?.failure?.cause === "unkept";

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
    if (!isOwn(sender) || message?.type !== ASK_UNKEPT || !message.state) return;
    newer = message.state;
    told = message.state.run.id;
    if (!state) return;
    state = message.state;
    onChange(message.state);
  });
  const stored = await chrome.storage.session.get(["link", "run", "unkept"]);
  const whole = isLost(stored["run"]) ? await chrome.runtime.sendMessage({ type: ASK_UNKEPT }).catch(() => null) : null;
  if (whole) told = whole.run.id;
  /** @type {Stored} */
  const first = { link: DISCONNECTED, run: IDLE, unkept: null, ...stored, ...whole, ...newer };
  state = first;
  return first;
}
