import { runIsOfPage, settingsForServer } from "../core/page-servers.js";
import { pageStateKey } from "../core/page-state.js";
import { siteDomain } from "../core/site-domain.js";
import { loadFormWords } from "../platform/bundled-files.js";

/** @typedef {import("../core/background-messages.js").PageRequest} PageRequest */
/** @typedef {import("../core/page-state.js").PageState} PageState */
/** @typedef {import("../types/page.d.ts").Filled} Filled */
/** @typedef {import("../types/page.d.ts").FormWords} FormWords */
/** @typedef {import("../types/page.d.ts").Reading} Reading */
/** @typedef {import("../types/page.d.ts").Wanted} Wanted */

const SCRIPTS = ["words", "choices", "addresses", "labels", "controls", "kinds", "reader", "writer"].map(
  (name) => `page/${name}.js`,
);

/** Reads and fills in pages in the tabs that the user opened to it (activeTab), and keeps what they said. */
export class PageAccess {
  #area;
  #run;
  #seal;
  /** @type {Promise<FormWords> | null} */
  #words = null;

  /**
   * @param {Pick<chrome.storage.StorageArea, "get" | "set" | "remove">} area
   * @param {() => Promise<import("../core/run.js").Run>} run  the one whose settings may be written
   * @param {() => Promise<void>} [seal]  to be done before a script is put into a page
   */
  constructor(area, run, seal = async () => {}) {
    this.#area = area;
    this.#run = run;
    this.#seal = seal;
  }

  /** @param {PageRequest} wish */
  async answer(wish) {
    if (wish.act === "read") await this.read(wish.tab);
    else if (wish.act === "undo") await this.#write(wish.tab, null);
    else if (await this.#proven(wish)) await this.#write(wish.tab, { server: wish.server, wanted: wish.wanted });
  }

  /**
   * Whether the settings are those that the run has proven for this form: nothing else is ever written into a page.
   *
   * @param {Extract<PageRequest, {act: "fill"}>} wish
   */
  async #proven({ tab, server: id, wanted }) {
    const [state, run] = await Promise.all([this.#stored(tab), this.#run()]);
    const server = state?.reading?.servers.find((each) => each.id === id);
    if (!state || !server || !runIsOfPage(run, state)) return false;
    const { wanted: proven } = settingsForServer(run, server);
    return (
      proven !== null &&
      Object.entries(proven).every(([name, value]) => wanted[/** @type {keyof Wanted} */ (name)] === value)
    );
  }

  #known() {
    return (this.#words ??= loadFormWords());
  }

  /** @param {number} tab */
  async read(tab) {
    const words = await this.#known();
    const [reading, host] = await Promise.all([this.#reading(tab, words), hostOf(tab)]);
    const before = await this.#stored(tab);
    const same = reading !== null && before?.reading?.token === reading.token;
    await this.#store(tab, {
      reading,
      site: siteDomain(reading?.site ?? host ?? "", words),
      // What was written can still be put back; a problem was that of the reading before.
      filled: same && before?.filled?.problem === null ? before.filled : null,
    });
  }

  /** @param {number} tab */
  forget(tab) {
    return this.#area.remove(pageStateKey(tab));
  }

  /**
   * @param {number} tab
   * @param {{server: string, wanted: Wanted} | null} order  null: put back what was there before
   */
  async #write(tab, order) {
    const before = await this.#stored(tab);
    if (!before?.reading) return;
    const { token, origin } = before.reading;
    const words = await this.#known();
    /** @type {Filled} */
    let filled = { problem: "lapsed" };
    try {
      const [{ result }] = await chrome.scripting.executeScript({
        target: { tabId: tab },
        // A document that was never read has no such scripts: it is another one.
        func: ({ asked, wish }) => {
          const page = globalThis.poternePage;
          if (!page?.fill) return { problem: "left" };
          return wish ? page.fill({ ...asked, ...wish }) : page.undo(asked);
        },
        args: [{ asked: { token, origin, words }, wish: order }],
      });
      if (result) filled = /** @type {Filled} */ (result);
    } catch {
      // The permission goes with the page that it was given for.
    }
    const reading = filled.problem === null ? ((await this.#reading(tab, words)) ?? before.reading) : before.reading;
    await this.#store(tab, { ...before, reading, filled });
  }

  /**
   * @param {number} tab
   * @param {FormWords} words
   * @returns {Promise<Reading | null>}
   */
  async #reading(tab, words) {
    const target = { tabId: tab };
    try {
      await this.#seal();
      const [{ result: there }] = await chrome.scripting.executeScript({
        target,
        func: () => typeof globalThis.poternePage?.undo === "function",
      });
      if (!there) await chrome.scripting.executeScript({ target, files: SCRIPTS });
      const [{ result }] = await chrome.scripting.executeScript({
        target,
        func: (known) => globalThis.poternePage.read(known),
        args: [words],
      });
      return result ?? null;
    } catch {
      return null;
    }
  }

  /**
   * @param {number} tab
   * @returns {Promise<PageState | null>}
   */
  async #stored(tab) {
    const key = pageStateKey(tab);
    return /** @type {PageState | undefined} */ ((await this.#area.get(key))[key]) ?? null;
  }

  /**
   * @param {number} tab
   * @param {PageState} state
   */
  async #store(tab, state) {
    await this.#area.set({ [pageStateKey(tab)]: state });
    // Of a tab that was closed while it was read, nobody will tell again that it is gone.
    await chrome.tabs.get(tab).catch(() => this.forget(tab));
  }
}

/**
 * The host of a tab's address, where the browser tells it: of pages of the web only.
 *
 * @param {number} tab
 */
async function hostOf(tab) {
  try {
    const { url } = await chrome.tabs.get(tab);
    const { protocol, hostname } = new URL(url ?? "");
    return protocol === "https:" || protocol === "http:" ? hostname : null;
  } catch {
    return null;
  }
}
