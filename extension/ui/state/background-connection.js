/** @typedef {import("../../core/background-messages.js").RunCommand} RunCommand */
/** @typedef {import("../../core/background-messages.js").ExportRequest} ExportRequest */
/** @typedef {import("../../core/background-messages.js").PageRequest} PageRequest */

/** @typedef {RunCommand | ExportRequest | PageRequest} BackgroundRequest */

/** Before a background that was stopped is brought back. */
const REATTACH_MS = 250;

/**
 * Tells the background that a popup is there, and passes on what the user does. A page that shows a run which is going
 * holds a port: where the background is stopped in the middle, it is brought back, and says that the run has ended.
 */
export class BackgroundConnection {
  #isPopup;
  /** @type {chrome.runtime.Port | null} */
  #port = null;
  #running = false;

  /** @param {boolean} isPopup  a popup starts the host by being open, a tab only when it is used */
  constructor(isPopup) {
    this.#isPopup = isPopup;
    this.#attach();
  }

  /**
   * @param {BackgroundRequest} asked
   * @returns {Promise<any>}  the background's answer
   */
  send(asked) {
    this.#attach();
    return chrome.runtime.sendMessage(asked);
  }

  /** @param {boolean} going  whether the page shows a run that is going */
  showsRunning(going) {
    this.#running = going;
    if (going) {
      this.#attach();
    } else if (!this.#isPopup) {
      this.#port?.disconnect();
      this.#port = null;
    }
  }

  #attach() {
    if (this.#port || !(this.#isPopup || this.#running)) return;
    this.#port = chrome.runtime.connect({ name: this.#isPopup ? "popup" : "reader" });
    // The background may be stopped while nothing goes on; the next command brings it back.
    this.#port.onDisconnect.addListener(() => {
      this.#port = null;
      if (this.#running) setTimeout(() => this.#attach(), REATTACH_MS);
    });
  }
}
