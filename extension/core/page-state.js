/** @typedef {import("../types/page.d.ts").Filled} Filled */
/** @typedef {import("../types/page.d.ts").Reading} Reading */

/**
 * What is known of the page in a tab. `reading` null: the browser lets nobody read this page, or it was left since.
 *
 * @typedef {object} PageState
 * @property {Reading | null} reading
 * @property {string | null} site  the domain of the page's address, where it may have mail servers
 * @property {Filled | null} filled  what became of the last wish to fill in or to put back
 */

/** Where a tab's page is kept, until the tab is closed. @param {number} tab */
export const pageStateKey = (tab) => `page${tab}`;
