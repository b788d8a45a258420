import { reportKey, withNetworks } from "../core/history-list.js";

/** @typedef {import("../core/history-list.js").HistoryEntry} HistoryEntry */
/** @typedef {import("../core/history-list.js").HistoryList} HistoryList */
/** @typedef {import("./history-storage.js").WritableArea} WritableArea */

/**
 * Writes the list with a new run. Where there is no room, the oldest go, until there is; all come back where that does
 * not help.
 *
 * @param {WritableArea} area
 * @param {{entries: HistoryEntry[], dropped: string[]}} next  the new run's entry first; `dropped`: ids that go anyway
 * @param {HistoryList["networks"]} networks
 * @param {Record<string, unknown>} report  the new run's, under its key
 * @throws {Error} the area's own, where there is no room
 */
export async function addWithRoom(area, { entries, dropped }, networks, report) {
  const gone = dropped.map(reportKey);
  const oldest = entries
    .slice(1)
    .map(({ id }) => reportKey(id))
    .reverse();
  let before = await area.get(["past", ...gone]);
  await area.remove(gone);
  for (let kept = entries.length; ; kept -= 1) {
    const past = entries.slice(0, kept);
    try {
      return await area.set({ past, networks: withNetworks(networks, past), ...report });
    } catch (error) {
      const key = oldest[entries.length - kept];
      if (kept === entries.length) before = { ...before, ...(await area.get(oldest)) };
      // An area that does not even take again what it holds is not full, but broken: nothing is given up for that.
      const lasting = key !== undefined && (await takes(area, { past: before["past"] ?? [] }));
      if (lasting) {
        await area.remove(key);
        continue;
      }
      await area.set(before).catch(() => {});
      throw error;
    }
  }
}

/**
 * @param {WritableArea} area
 * @param {Record<string, unknown>} items
 */
const takes = (area, items) =>
  area.set(items).then(
    () => true,
    () => false,
  );
