/** Bursts of observations become one write, and pages one rendering, per interval. */
const INTERVAL_MS = 40;

/** Writes the latest value of each key to a storage area: the first at once, then at most one write per interval. */
export class CoalescingStore {
  #area;
  #onRefused;
  /** @type {Record<string, unknown>} */
  #dirty = {};
  #waiting = false;

  /**
   * @param {{set(items: Record<string, unknown>): Promise<void>}} area
   * @param {() => void} [onRefused]  the area took nothing of a write: it still holds what it held before
   */
  constructor(area, onRefused = () => {}) {
    this.#area = area;
    this.#onRefused = onRefused;
  }

  /** @param {Record<string, unknown>} items */
  put(items) {
    this.#dirty = { ...this.#dirty, ...items };
    if (!this.#waiting) this.#flush();
  }

  #flush() {
    const items = this.#dirty;
    this.#dirty = {};
    this.#waiting = Object.keys(items).length > 0;
    if (!this.#waiting) return;
    setTimeout(() => this.#flush(), INTERVAL_MS);
    this.#area.set(items).catch((error) => {
      console.warn("The run could not be stored:", error);
      this.#onRefused();
    });
  }
}
