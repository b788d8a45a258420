/** @typedef {import("./host-link.js").HostLink} HostLink */

/** How long the host stays after the last popup is gone and nobody waits for an answer. */
export const LINGER_MS = 15_000;

/** Closes the link to the host some time after it was needed last. */
export class IdleClose {
  #link;
  #isBusy;
  #linger;
  #popups = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Pick<HostLink, "close">} link
   * @param {() => boolean} isBusy  whether somebody waits for an answer of the host
   * @param {number} [linger]  milliseconds
   */
  constructor(link, isBusy, linger = LINGER_MS) {
    this.#link = link;
    this.#isBusy = isBusy;
    this.#linger = linger;
  }

  popupOpened() {
    this.#popups += 1;
    clearTimeout(this.#timer);
  }

  popupClosed() {
    this.#popups -= 1;
    this.begin();
  }

  /** The host may not be needed any more. */
  begin() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#isBusy() && this.#popups === 0) this.#link.close();
    }, this.#linger);
  }
}
