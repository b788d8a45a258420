import { ASK_UNKEPT } from "../core/background-messages.js";
import { lost } from "../core/run.js";

/** @typedef {import("../core/background-messages.js").Stored} Stored */

/** Brings pages the state that session storage had no room for, and leaves nothing stale there. */
export class Unkept {
  #area;
  #tell;
  #state;
  /** The run that could not be stored. @type {string | null} */
  #id = null;

  /**
   * @param {Pick<chrome.storage.StorageArea, "set" | "remove">} area
   * @param {(message: {type: string, state: Stored}) => Promise<unknown>} tell  reaches the pages that are open
   * @param {() => Stored} state
   */
  constructor(area, tell, state) {
    this.#area = area;
    this.#tell = tell;
    this.#state = state;
  }

  /** What a page is told that asks. @returns {Stored | null} */
  get state() {
    const state = this.#state();
    return this.#id !== null && state.run.id === this.#id ? { ...state, unkept: this.#id } : null;
  }

  /** The area refused what was to be stored. */
  async refused() {
    this.#id = this.#state().run.id;
    const { state } = this;
    // First the pages that are open: what is stored after it says less.
    if (state) await this.#tell({ type: ASK_UNKEPT, state }).catch(() => {});
    const { link, run } = this.#state();
    await this.#area.set({ link, run: lost(run) }).catch(() => this.#area.remove(["run", "link"]).catch(() => {}));
  }
}
