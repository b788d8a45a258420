/** @typedef {import("../../core/background-messages.js").ExportFailure} ExportFailure */
/** @typedef {import("../../core/history-list.js").StoredHistory} StoredHistory */
/** @typedef {import("../../core/redaction.js").PrivateKind} PrivateKind */
/** @typedef {import("../../core/ticket.js").TicketForm} TicketForm */
/** @typedef {import("../../types/messages.d.ts").ExportMessage["format"]} Format */

/**
 * What became of the last wish for a file, of the run that it was for. `copied` and `saved` say that it was made.
 *
 * @typedef {object} LastExport
 * @property {string | null} run
 * @property {Format} format
 * @property {"making" | "saved" | "copied" | "failed"} phase
 * @property {string} name  the file's
 * @property {ExportFailure["problem"] | "clipboard" | null} problem
 * @property {string | null} message  the host's own words
 */

/**
 * What the person chose of the report to hand over; a kind that is not named is kept or left out as usual.
 *
 * @typedef {{form: TicketForm, kept: Partial<Record<PrivateKind, boolean>>}} TicketChoice
 */

/**
 * Everything that a rendering depends on.
 *
 * @typedef {object} RunView
 * @property {import("../../core/catalogue.js").Catalogue} t
 * @property {import("../../core/link-state.js").LinkState} link
 * @property {import("../../core/run.js").Run} run
 * @property {{browser: string, os: string}} environment
 * @property {import("../../core/preferences.js").Effective} preferences
 * @property {StoredHistory} pastRuns
 * @property {boolean} welcomed  what it does and never does has been read
 * @property {boolean} inPrivateWindow  in a private window, or about a tab of one
 * @property {TicketChoice} ticket
 * @property {boolean} inTab
 * @property {string | null} unkept  the run that there was no room to keep
 * @property {boolean} choiceRefused  there was no room for what was chosen last
 * @property {string | null} copied  the copy button that was pressed last
 * @property {import("../../core/mail-programs.js").Programs} programs
 * @property {import("../../core/mail-programs.js").Program | null} program  the one in whose words settings are said
 * @property {LastExport | null} lastExport
 * @property {number | null} tab  the one whose page this is about
 * @property {import("../../core/page-state.js").PageState | null} page  what that page says
 * @property {boolean} emptyRefused  Enter was pressed on an empty field
 */

/**
 * Everything that a page without a run depends on.
 *
 * @typedef {object} StoredPageView
 * @property {import("../../core/catalogue.js").Catalogue} t
 * @property {import("../../core/preferences.js").Effective} preferences
 * @property {import("../../core/managed-settings.js").Managed} managed
 * @property {StoredHistory} pastRuns
 */

export {};
