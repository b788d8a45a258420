import { catalogueFor } from "../platform/bundled-files.js";
import { readPreferences } from "../platform/stored-preferences.js";
import { drawMenus, followMenus } from "./context-menus.js";
import { drawOmnibox, followOmnibox } from "./omnibox.js";

/** @typedef {import("../core/background-messages.js").RunCommand} RunCommand */
/** @typedef {import("./page-access.js").PageAccess} PageAccess */

/**
 * Shows the run in a tab, bound to the page of another tab where there is one.
 *
 * @param {number | null} page
 * @param {boolean} [here]  in the tab in front
 */
async function showReport(page, here = false) {
  const url = chrome.runtime.getURL(`report/report.html${page === null ? "" : `?tab=${page}`}`);
  await (here ? chrome.tabs.update({ url }) : chrome.tabs.create({ url }));
}

/**
 * Shows the run. Chromium opens no page of an extension in a private window but the popup.
 *
 * @param {boolean} isPrivate
 * @param {boolean} [here]
 */
async function showRun(isPrivate, here = false) {
  if (!isPrivate) return showReport(null, here);
  await chrome.action.openPopup?.().catch(() => showReport(null, here));
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
 * @param {PageAccess} pages
 * @param {(command: RunCommand) => Promise<void>} command
 */
export function followEntryPoints(pages, command) {
  followMenus(
    // The click lets the page be read, as a press of the toolbar button does; nothing is tested yet.
    (tab) => void Promise.allSettled([pages.read(tab), command({ type: "warm" })]).then(() => showReport(tab)),
    (target, isPrivate) =>
      void command({ type: "run", target, origin: "page", private: isPrivate }).then(() => showRun(isPrivate)),
  );
  followOmnibox(async (target, here) => {
    const isPrivate = (await chrome.windows?.getLastFocused())?.incognito ?? false;
    await command({ type: "run", target, origin: "typed", private: isPrivate });
    await showRun(isPrivate, here);
  });
  chrome.runtime.onInstalled.addListener(draw);
  chrome.runtime.onStartup.addListener(draw);
  // The user's choice, or the administrator's.
  chrome.storage.onChanged.addListener((changes) => {
    if (changes["language"]) draw();
  });
}
