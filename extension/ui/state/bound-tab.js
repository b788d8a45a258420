import { pageStateKey } from "../../core/page-state.js";

/** @typedef {import("../../core/page-state.js").PageState} PageState */

/**
 * The tab whose page this document is about: the one that a report is bound to, or the one under the popup.
 *
 * @param {boolean} inTab
 * @returns {Promise<number | null>}
 */
export async function boundTab(inTab) {
  const bound = Number(new URLSearchParams(location.search).get("tab") ?? Number.NaN);
  if (Number.isInteger(bound)) return bound;
  if (inTab || (await chrome.tabs.getCurrent())) return null;
  const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
  return tab?.id ?? null;
}

/**
 * Follows what is known of a tab's page.
 *
 * @param {number} tab
 * @param {(page: PageState | null) => void} onChange
 */
export function followPage(tab, onChange) {
  const key = pageStateKey(tab);
  chrome.storage.session.onChanged.addListener((changes) => {
    if (changes[key]) onChange(/** @type {PageState | undefined} */ (changes[key].newValue) ?? null);
  });
  return async () => {
    const stored = /** @type {Record<string, PageState | undefined>} */ (await chrome.storage.session.get(key));
    onChange(stored[key] ?? null);
  };
}
