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
  #wanted = false;

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
      this.#wanted = effective(stored, managed).history.value;
      this.salt = this.#wanted ? (salt ?? (await this.#fresh())) : null;
    });
  }

  /**
   * Keeps a run that is done.
   *
   * @param {Run} run
   * @returns {Promise<boolean>}  false: it is wanted, and there is no room
   */
  keep({ id, target, report, network, private: isPrivate }) {
    return this.#next(async () => {
      if (isPrivate || !this.#wanted || !id || !report) return;
      this.salt ??= await this.#fresh();
      const { entries, networks } = await this.#past();
      const next = withEntry(entries, entryOf({ id, target, report, network }));
      await this.#write(next.entries, networks, next.dropped, { [reportKey(id)]: report });
    });
  }

  /**
   * @param {PastCommand} asked
   * @returns {Promise<boolean>}  false: there is no room
   */
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
   * Where there is no room, the oldest go, until there is; all come back where that does not help.
   *
   * @param {Entry[]} entries
   * @param {Past["networks"]} networks
   * @param {string[]} dropped
   * @param {Record<string, unknown>} [more]
   */
  async #write(entries, networks, dropped, more = {}) {
    const set = (/** @type {Entry[]} */ list) =>
      this.#area.set({ past: list, networks: withNetworks(networks, list), ...more });
    const gone = dropped.map(reportKey);
    if (Object.keys(more).length === 0) {
      await set(entries);
      await this.#area.remove(gone);
      return;
    }
    const oldest = entries.slice(1).map(({ id }) => reportKey(id)).reverse();
    let before = await this.#area.get(["past", ...gone]);
    await this.#area.remove(gone);
    for (let kept = entries.length; ; kept -= 1) {
      try {
        return await set(entries.slice(0, kept));
      } catch (error) {
        const key = oldest[entries.length - kept];
        if (kept === entries.length) before = { ...before, ...(await this.#area.get(oldest)) };
        // An area that does not even take again what it holds is not full, but broken: nothing is given up for that.
        const lasting = key !== undefined && (await this.#takes({ past: before["past"] ?? [] }));
        if (lasting) {
          await this.#area.remove(key);
          continue;
        }
        await this.#area.set(before).catch(() => {});
        throw error;
      }
    }
  }

  /** @param {Record<string, unknown>} items */
  #takes(items) {
    return this.#area.set(items).then(
      () => true,
      () => false,
    );
  }

  /**
   * @param {() => Promise<void>} step
   * @returns {Promise<boolean>}  whether it could be done
   */
  #next(step) {
    const done = this.#queue.then(step).then(
      () => true,
      (error) => {
        console.warn("Past runs could not be written:", error);
        return false;
      },
    );
    this.#queue = done;
    return done;
  }
}
