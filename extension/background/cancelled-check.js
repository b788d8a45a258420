import { isFinalMessage } from "../core/run.js";

/** @typedef {import("../types/messages.d.ts").HostMessage} HostMessage */

/** How long a host may take to confirm that a check is cancelled before the next is sent to it all the same. */
export const DRAIN_MS = 1500;

/** The check that was cancelled and has not ended yet: until it has, no other is posted. */
export class CancelledCheck {
  #onLate;
  /** @type {string | null} */
  #id = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Whether its own end was long due when it was cancelled. */
  overdue = false;

  /** @param {() => void} onLate  the host has not confirmed it in time */
  constructor(onLate) {
    this.#onLate = onLate;
  }

  get waiting() {
    return this.#id !== null;
  }

  /** @param {string} id  the host was told to cancel it */
  begin(id) {
    this.#id = id;
    this.#timer = setTimeout(this.#onLate, DRAIN_MS);
  }

  end() {
    clearTimeout(this.#timer);
    this.#id = null;
    this.overdue = false;
  }

  /** @param {HostMessage} message */
  isEndedBy(message) {
    return isFinalMessage(message) && "id" in message && message.id !== null && message.id === this.#id;
  }
}
