import { siteDomain } from "../core/site-domain.js";
import { targetInText, targetOfLink } from "../core/target-in-text.js";
import { loadFormWords } from "../platform/bundled-files.js";

/** @typedef {import("../core/catalogue.js").Catalogue} Catalogue */

const ITEMS = /** @type {const} */ ([
  ["form", ["editable"]],
  ["selection", ["selection"]],
  ["link", ["link"]],
  ["site", ["page", "frame"]],
]);

/** Thunderbird has another API for menus, for which other browsers know no permission. */
const menus = () => globalThis.chrome?.contextMenus;

/** @param {Catalogue} t */
export async function drawMenus(t) {
  const api = menus();
  if (!api) return;
  await api.removeAll();
  for (const [id, contexts] of ITEMS) {
    api.create(
      // Browsers put the marked text in place of %s.
      { id, contexts: [...contexts], title: t.text(`menu_${id}`, { selection: "%s" }) },
      // Two drawings at once make the same items: the second is told so.
      () => void chrome.runtime.lastError,
    );
  }
}

/**
 * @param {(tab: number) => void} onForm  somebody wants the form read in which they clicked
 * @param {(target: string, isPrivate: boolean) => void} onTarget  somebody wants something on the page tested, perhaps in
 *   a private window
 */
export function followMenus(onForm, onTarget) {
  menus()?.onClicked.addListener(async (clicked, tab) => {
    if (clicked.menuItemId === "form" && tab?.id !== undefined && tab.id >= 0) onForm(tab.id);
    const target = await targetOf(clicked);
    if (target) onTarget(target, tab?.incognito ?? false);
  });
}

/** @param {chrome.contextMenus.OnClickData} clicked */
async function targetOf({ menuItemId, selectionText, linkUrl, pageUrl }) {
  if (menuItemId === "selection") return targetInText(selectionText ?? "");
  if (menuItemId === "link") return targetOfLink(linkUrl ?? "") ?? targetInText(linkUrl ?? "");
  if (menuItemId !== "site") return null;
  const host = targetOfLink(pageUrl ?? "") ?? "";
  return siteDomain(host, await loadFormWords()) ?? (host || null);
}
