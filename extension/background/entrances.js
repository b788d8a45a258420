import { readPreferences } from "../shared/preferences.js";
import { catalogueFor } from "../ui/catalogues.js";
import { drawMenus, followMenus } from "./menus.js";
import { drawOmnibox, followOmnibox } from "./omnibox.js";

/** @typedef {import("./controller.js").Command} Command */
/** @typedef {import("./reader.js").Pages} Pages */

/**
 * Shows the run in a tab, bound to the page of another tab where there is one.
 *
 * @param {number | null} page
 * @param {{here?: boolean, windowId?: number}} [place]  `here`: in the tab in front
 */
async function showReport(page, { here = false, windowId } = {}) {
  const url = chrome.runtime.getURL(`report/report.html${page === null ? "" : `?tab=${page}`}`);
  if (here) return chrome.tabs.update({ url });
  // A private run is shown in private windows only; others may have no room for tabs.
  const window = windowId === undefined ? null : await chrome.windows?.get(windowId).catch(() => null);
  return chrome.tabs.create(window?.incognito && window.type === "normal" ? { url, windowId } : { url });
}

/** Menus and the address bar speak the language that the pages speak. */
async function draw() {
  const { language } = await readPreferences();
  const t = await catalogueFor(language.value);
  drawOmnibox(t);
  await drawMenus(t);
}

/**
 * The ways in beside the toolbar button. Listeners have to be there in the first turn.
 *
 * @param {Pages} pages
 * @param {(command: Command) => Promise<void>} command
 */
export function followEntrances(pages, command) {
  followMenus(
    // The click lets the page be read, as a press of the toolbar button does; nothing is tested yet.
    ({ id = -1 }) => void Promise.allSettled([pages.read(id), command({ type: "warm" })]).then(() => showReport(id)),
    (target, { incognito, windowId }) =>
      void command({ type: "run", target, origin: "page", private: incognito }).then(() => showReport(null, { windowId })),
  );
  followOmnibox((target, here) => void command({ type: "run", target }).then(() => showReport(null, { here })));
  chrome.runtime.onInstalled.addListener(draw);
  chrome.runtime.onStartup.addListener(draw);
  chrome.storage.local.onChanged.addListener((changes) => {
    if (changes["language"]) draw();
  });
}
