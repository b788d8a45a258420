import { IDLE_RUN } from "../../core/run.js";
import { readHistory, readPastReport, retold } from "../../platform/history-access.js";

/** @typedef {import("../../core/run.js").Run} Run */

/** The past run that a page's address names. Its page shows it until another is asked for. */
export class AddressedRun {
  /** @type {Promise<Run | null>} */
  run = readAddressedRun();

  /** The page becomes that of the next run. */
  release() {
    this.run = Promise.resolve(null);
    if (location.search) history.replaceState(null, "", location.pathname);
  }

  /**
   * Has a report that an earlier version kept told anew.
   *
   * @param {Run | null} shown  the run as it was read
   * @param {(run: Run) => void} onTold
   */
  async retell(shown, onTold) {
    if (!shown?.id || !shown.report || shown.report.told) return;
    const report = await retold(shown.id, shown.report);
    if ((await this.run)?.id !== shown.id) return;
    const run = { ...shown, report };
    this.run = Promise.resolve(run);
    onTold(run);
  }
}

/** @returns {Promise<Run | null>} */
async function readAddressedRun() {
  const id = new URLSearchParams(location.search).get("past");
  if (id === null) return null;
  const [report, { entries }] = await Promise.all([readPastReport(id), readHistory()]);
  const entry = entries.find((one) => one.id === id);
  if (!report || !entry) return null;
  const origin = report.options?.origin ?? "page";
  return { ...IDLE_RUN, id, target: entry.target, phase: "done", report, network: entry.network, origin };
}
