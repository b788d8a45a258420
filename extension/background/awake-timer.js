/** A timer that is later than that has slept with the computer. */
export const NAP_MS = 2000;

/** A timer that begins anew where the computer slept meanwhile: what it waits for did not go on either. */
export class AwakeTimer {
  #now;
  #onTime;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {() => number} now  milliseconds
   * @param {() => void} onTime
   */
  constructor(now, onTime) {
    this.#now = now;
    this.#onTime = onTime;
  }

  /** @param {number} patience  milliseconds */
  start(patience) {
    const due = this.#now() + patience;
    this.#timer = setTimeout(() => {
      if (this.#now() - due > NAP_MS) this.start(patience);
      else this.#onTime();
    }, patience);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
