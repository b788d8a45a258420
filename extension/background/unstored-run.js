import { UNSTORED_RUN } from "../core/background-messages.js";
import { withoutResult } from "../core/run.js";

/** @typedef {import("../core/background-messages.js").BackgroundState} BackgroundState */

/** Brings pages the state that session storage had no room for, and leaves nothing stale there. */
export class UnstoredRun {
  #area;
  #tell;
  #state;
  /** The run that could not be stored. @type {string | null} */
  #id = null;

  /**
   * @param {Pick<chrome.storage.StorageArea, "set" | "remove">} area
   * @param {(message: {type: string, state: BackgroundState}) => Promise<unknown>} tell  reaches the pages that are open
   * @param {() => BackgroundState} state
   */
  constructor(area, tell, state) {
    this.#area = area;
    this.#tell = tell;
    this.#state = state;
  }

  /** What a page is told that asks. @returns {BackgroundState | null} */
  get state() {
    const state = this.#state();
    return this.#id !== null && state.run.id === this.#id ? { ...state, unkept: this.#id } : null;
  }

  /** The area refused what was to be stored. */
  async refused() {
    this.#id = this.#state().run.id;
    const { state } = this;
    // First the pages that are open: what is stored after it says less.
    if (state) await this.#tell({ type: UNSTORED_RUN, state }).catch(() => {});
    const { link, run } = this.#state();
    await this.#area
      .set({ link, run: withoutResult(run) })
      .catch(() => this.#area.remove(["run", "link"]).catch(() => {}));
  }
}
