import {
  HISTORY_LIMITS,
  historyEntry,
  historyIn,
  isHistoryKey,
  renameNetwork,
  reportKey,
  visibleToDocuments,
  withEntry,
  withNetworks,
} from "../core/history-list.js";
import { effective } from "../core/preferences.js";
import { readManaged } from "../platform/managed-storage.js";
import { addWithRoom } from "./history-room.js";

/** @typedef {import("../core/background-messages.js").HistoryCommand} HistoryCommand */
/** @typedef {import("../core/background-messages.js").HistoryItems} HistoryItems */
/** @typedef {import("../core/history-list.js").HistoryList} HistoryList */
/** @typedef {import("../core/run.js").Run} Run */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("./history-storage.js").HistoryStorage} HistoryStorage */
/** @typedef {import("./history-storage.js").WritableArea} WritableArea */

/** Under which networks are recognised: 128 bits that never leave this computer. */
const newSalt = () => crypto.randomUUID().replaceAll("-", "");

/**
 * Keeps past runs, the only one who writes them: one change after the other. Never those of private windows.
 */
export class HistoryWriter {
  #storage;
  #preferences;
  #managed;
  #onChange;
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve();
  /** What networks are recognised by; null where nothing is kept. @type {string | null} */
  salt = null;
  #wanted = false;

  /**
   * @param {object} options
   * @param {HistoryStorage | Promise<HistoryStorage>} options.storage
   * @param {Pick<chrome.storage.StorageArea, "get">} options.preferences  the area that holds what somebody has chosen
   * @param {() => Promise<Record<string, unknown>>} [options.managed]
   * @param {() => void} [options.onChange]  what is kept may have changed, of which the browser tells nobody
   */
  constructor({ storage, preferences, managed = readManaged, onChange = () => {} }) {
    this.#storage = Promise.resolve(storage);
    this.#preferences = preferences;
    this.#managed = managed;
    this.#onChange = onChange;
  }

  /** Learns whether runs are kept. To be asked again when a preference changes. */
  refresh() {
    return this.#next(async () => {
      const { area } = await this.#storage;
      const [chosen, managed] = await Promise.all([this.#preferences.get("history"), this.#managed()]);
      this.#wanted = area !== null && effective(chosen, managed).history.value;
      this.salt = this.#wanted ? await this.#ownSalt() : null;
    });
  }

  /**
   * What a page may see of what is kept.
   *
   * @param {string[] | null} keys
   * @returns {Promise<HistoryItems>}
   */
  async answer(keys) {
    const { area } = await this.#storage;
    return area ? { items: visibleToDocuments(await area.get(keys)), refused: false } : { items: {}, refused: true };
  }

  /**
   * Keeps a run that is done.
   *
   * @param {Run} run
   * @returns {Promise<boolean>}  false: it is wanted, and there is no room
   */
  keep({ id, target, report, network, networkBefore = null, private: isPrivate }) {
    return this.#next(async () => {
      if (isPrivate || !this.#wanted || !id || !report) return;
      this.salt ??= await this.#ownSalt();
      const { entries, networks } = renameNetwork(await this.#history(), networkBefore, network);
      const next = withEntry(entries, historyEntry({ id, target, report, network }));
      await addWithRoom(await this.#area(), next, networks, { [reportKey(id)]: report });
    });
  }

  /**
   * The report of a past run.
   *
   * @param {string} id
   * @returns {Promise<Report | null>}
   */
  async report(id) {
    const { area } = await this.#storage;
    const key = reportKey(id);
    return /** @type {Report | undefined} */ ((await area?.get([key]))?.[key]) ?? null;
  }

  /**
   * Puts a report that was told anew in the place of the one that was kept, where it is kept still.
   *
   * @param {string} id
   * @param {Report} report
   * @returns {Promise<boolean>}  false: there is no room
   */
  replace(id, report) {
    return this.#next(async () => {
      const { entries } = await this.#history();
      const past = entries.map((entry) => (entry.id === id ? historyEntry({ ...entry, report }) : entry));
      if (entries.some((entry) => entry.id === id)) await (await this.#area()).set({ past, [reportKey(id)]: report });
    });
  }

  /**
   * @param {HistoryCommand} asked
   * @returns {Promise<boolean>}  false: there is no room
   */
  command(asked) {
    return this.#next(async () => {
      const { entries, networks } = await this.#history();
      switch (asked.type) {
        case "name-network": {
          const network = networks[asked.network];
          const name = asked.name.trim().slice(0, HISTORY_LIMITS.name);
          if (network)
            await (await this.#area()).set({ networks: { ...networks, [asked.network]: { ...network, name } } });
          break;
        }
        case "forget": {
          const past = entries.filter(({ id }) => id !== asked.id);
          const area = await this.#area();
          await area.set({ past, networks: withNetworks(networks, past) });
          await area.remove([reportKey(asked.id)]);
          break;
        }
        case "erase-past":
          await this.#erase();
      }
    });
  }

  async #erase() {
    const { area, sweep } = await this.#storage;
    if (area) await area.remove(Object.keys(await area.get(null)).filter(isHistoryKey));
    await sweep();
    // Under another salt, nothing that was kept elsewhere can be told to be of the same network.
    if (this.salt !== null) this.salt = await this.#freshSalt();
  }

  /** @returns {Promise<WritableArea>} */
  async #area() {
    const { area } = await this.#storage;
    if (!area) throw new Error("the browser keeps nothing");
    return area;
  }

  async #ownSalt() {
    const { salt } = await (await this.#area()).get("salt");
    return /** @type {string | undefined} */ (salt) ?? (await this.#freshSalt());
  }

  async #freshSalt() {
    const salt = newSalt();
    await (await this.#area()).set({ salt });
    return salt;
  }

  /** @returns {Promise<HistoryList>} */
  async #history() {
    const { area } = await this.#storage;
    return historyIn(area ? await area.get(["past", "networks"]) : {});
  }

  /**
   * @param {() => Promise<void>} step
   * @returns {Promise<boolean>}  whether it could be done
   */
  #next(step) {
    const done = this.#queue.then(step).then(
      async () => {
        if (!(await this.#storage).tells) this.#onChange();
        return true;
      },
      (error) => {
        console.warn("Past runs could not be written:", error);
        return false;
      },
    );
    this.#queue = done;
    return done;
  }
}
