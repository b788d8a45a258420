import { read } from "../shared/managed.js";
import { entryOf, LIMITS, pastIn, reportKey, withEntry, withNetworks } from "../shared/past.js";
import { effective } from "../shared/preferences.js";

/** @typedef {import("../shared/run.js").Run} Run */
/** @typedef {import("../shared/past.js").Past} Past */
/** @typedef {import("../shared/past.js").Entry} Entry */

/**
 * What a page may have done to the past runs.
 *
 * @typedef {{type: "name-network", network: string, name: string} | {type: "forget", id: string} |
 *   {type: "erase-past"}} PastCommand
 */

const COMMANDS = new Set(["name-network", "forget", "erase-past"]);

/**
 * @param {{type: string}} asked
 * @returns {asked is PastCommand}
 */
export const isPastCommand = (asked) => COMMANDS.has(asked.type);

/** Under which networks are recognised: 128 bits that never leave this computer. */
const newSalt = () => crypto.randomUUID().replaceAll("-", "");

/**
 * Keeps past runs in a storage area, the only one who writes them: one change after the other. Never those of private
 * windows.
 */
export class Keeper {
  #area;
  #managed;
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve();
  /** What networks are recognised by; null where nothing is kept. @type {string | null} */
  salt = null;

  /**
   * @param {Pick<chrome.storage.StorageArea, "get" | "set" | "remove">} area
   * @param {() => Promise<Record<string, unknown>>} [managed]
   */
  constructor(area, managed = read) {
    this.#area = area;
    this.#managed = managed;
  }

  /** Learns whether runs are kept. To be asked again when a preference changes. */
  refresh() {
    return this.#next(async () => {
      const [stored, managed] = await Promise.all([this.#area.get(["salt", "history"]), this.#managed()]);
      const { salt } = /** @type {{salt?: string}} */ (stored);
      const wanted = effective(stored, managed).history.value;
      this.salt = wanted ? (salt ?? (await this.#fresh())) : null;
    });
  }

  /**
   * Keeps a run that is done.
   *
   * @param {Run} run
   */
  keep({ id, target, report, network, private: isPrivate }) {
    return this.#next(async () => {
      if (isPrivate || this.salt === null || !id || !report) return;
      const { entries, networks } = await this.#past();
      const next = withEntry(entries, entryOf({ id, target, report, network }));
      await this.#write(next.entries, networks, next.dropped, { [reportKey(id)]: report });
    });
  }

  /** @param {PastCommand} asked */
  command(asked) {
    return this.#next(async () => {
      const { entries, networks } = await this.#past();
      switch (asked.type) {
        case "name-network": {
          const network = networks[asked.network];
          const name = asked.name.trim().slice(0, LIMITS.name);
          if (network) await this.#area.set({ networks: { ...networks, [asked.network]: { ...network, name } } });
          break;
        }
        case "forget":
          await this.#write(
            entries.filter(({ id }) => id !== asked.id),
            networks,
            [asked.id],
          );
          break;
        case "erase-past": {
          const all = Object.keys(await this.#area.get(null)).filter((key) => key.startsWith(reportKey("")));
          await this.#area.remove([...all, "past", "networks", "salt"]);
          // Under another salt, nothing that was kept elsewhere can be told to be of the same network.
          if (this.salt !== null) this.salt = await this.#fresh();
        }
      }
    });
  }

  async #fresh() {
    const salt = newSalt();
    await this.#area.set({ salt });
    return salt;
  }

  /** @returns {Promise<Past>} */
  async #past() {
    return pastIn(await this.#area.get(["past", "networks"]));
  }

  /**
   * Where there is no room, the oldest go, until there is.
   *
   * @param {Entry[]} entries
   * @param {Past["networks"]} networks
   * @param {string[]} dropped
   * @param {Record<string, unknown>} [more]
   */
  async #write(entries, networks, dropped, more = {}) {
    if (dropped.length > 0) await this.#area.remove(dropped.map(reportKey));
    try {
      await this.#area.set({ past: entries, networks: withNetworks(networks, entries), ...more });
    } catch (error) {
      const oldest = entries.at(-1);
      if (!oldest || entries.length === 1) throw error;
      await this.#write(entries.slice(0, -1), networks, [oldest.id], more);
    }
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    this.#queue = this.#queue.then(step).catch((error) => console.error("Past runs could not be written:", error));
    return this.#queue;
  }
}
