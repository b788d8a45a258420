/** @typedef {import("../types/messages.d.ts").ExportMessage} ExportMessage */
/** @typedef {import("../types/messages.d.ts").OptionsInput} OptionsInput */
/** @typedef {import("../types/page.d.ts").Wanted} Wanted */
/** @typedef {import("./link-state.js").LinkState} LinkState */
/** @typedef {import("./run.js").Run} Run */

/**
 * What the background holds for the documents. `unkept`: the run that could not be stored, in whole or among past runs.
 *
 * @typedef {{link: LinkState, run: Run, unkept: string | null}} BackgroundState
 */

/** A document's question for a state that could not be stored, and the background's message that brings it. */
export const UNSTORED_RUN = "unkept";

/**
 * What a document asks of the run: `warm` starts the host where it is not running.
 *
 * `private`: the document is in a private window. `origin`: who named the target; a page, unless it is said that the
 * user typed it. `page`: what the run has to do with a page that was read.
 *
 * @typedef {{type: "warm"} | {type: "run", target: string, options?: OptionsInput, private?: boolean,
 *   origin?: Run["origin"], page?: Run["page"]} | {type: "stop"}} RunCommand
 */

/**
 * A document's question for a file of the run's report, which is answered with an `Exported`.
 *
 * @typedef {{type: "export", format: ExportMessage["format"], language: ExportMessage["language"]}} ExportRequest
 */

/**
 * A file, or why there is none: no host, one that does not know files yet, one that refused (in its own words), one
 * that did not answer.
 *
 * @typedef {{name: string, mime: string, data: string, problem?: undefined}} ExportedFile
 * @typedef {{problem: "host" | "outdated" | "refused" | "late", message: string | null}} ExportFailure
 * @typedef {ExportedFile | ExportFailure} ExportResult
 */

/**
 * What a document asks about the page in a tab.
 *
 * @typedef {{type: "page", act: "read", tab: number} | {type: "page", act: "undo", tab: number} |
 *   {type: "page", act: "fill", tab: number, server: string, wanted: Wanted}} PageRequest
 */

/**
 * A change of past runs.
 *
 * @typedef {{type: "name-network", network: string, name: string} | {type: "forget", id: string} |
 *   {type: "erase-past"}} HistoryCommand
 */

const PAST_COMMANDS = new Set(["name-network", "forget", "erase-past"]);

/**
 * @param {{type: string}} asked
 * @returns {asked is HistoryCommand}
 */
export const isHistoryCommand = (asked) => PAST_COMMANDS.has(asked.type);

/**
 * A document's question for what is kept of past runs (`keys` null: all), and the answer. `refused`: the browser keeps
 * nothing here.
 *
 * @typedef {{type: "kept", keys: string[] | null}} HistoryRequest
 * @typedef {{items: Record<string, unknown>, refused: boolean}} HistoryItems
 */

/**
 * A document's question for the report of a past run as today's host tells it.
 *
 * @typedef {{type: "tell-past", id: string}} RetellRequest
 */

/** The background's message that what is kept of past runs has changed. */
export const HISTORY_CHANGED = "kept-changed";
