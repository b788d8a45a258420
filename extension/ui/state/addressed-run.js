import { readPast, readReport, toldAnew } from "../../platform/history-access.js";
import { IDLE } from "../../core/run.js";

/** @typedef {import("../../core/run.js").Run} Run */

/** The past run that a page's address names. Its page shows it until another is asked for. */
export class Pinned {
  /** @type {Promise<Run | null>} */
  run = pinnedRun();

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
  async tell(shown, onTold) {
    if (!shown?.id || !shown.report || shown.report.told) return;
    const report = await toldAnew(shown.id, shown.report);
    if ((await this.run)?.id !== shown.id) return;
    const run = { ...shown, report };
    this.run = Promise.resolve(run);
    onTold(run);
  }
}

/** @returns {Promise<Run | null>} */
async function pinnedRun() {
  const id = new URLSearchParams(location.search).get("past");
  if (id === null) return null;
  const [report, { entries }] = await Promise.all([readReport(id), readPast()]);
  const entry = entries.find((one) => one.id === id);
  if (!report || !entry) return null;
  const origin = report.options?.origin ?? "page";
  return { ...IDLE, id, target: entry.target, phase: "done", report, network: entry.network, origin };
}
