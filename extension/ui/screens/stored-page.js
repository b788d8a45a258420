import { effective, PREFERENCES } from "../../core/preferences.js";
import { catalogueFor } from "../../platform/bundled-files.js";
import { followHistory, readHistory } from "../../platform/history-access.js";
import { readManaged, watchManaged } from "../../platform/managed-storage.js";
import { h, morph } from "../components/dom.js";
import { logo } from "../components/shapes.js";

/** @typedef {import("../state/view.js").StoredPageView} StoredPageView */

/**
 * A page that shows what is stored on this computer, and follows it.
 *
 * @template {object} Own
 * @param {string} title  the key of its name
 * @param {Own} own  what it knows beside
 * @param {(view: StoredPageView & Own) => (Node | null | false)[]} draw
 * @returns {Promise<(changes: Partial<Own>) => void>} draws it again with something changed
 */
export async function showStoredPage(title, own, draw) {
  const root = /** @type {HTMLElement} */ (document.querySelector("main"));
  async function stored() {
    const [local, managed, pastRuns] = await Promise.all([
      chrome.storage.local.get(PREFERENCES),
      readManaged(),
      readHistory(),
    ]);
    const preferences = effective(local, managed);
    return { preferences, managed, pastRuns, t: await catalogueFor(preferences.language.value) };
  }
  /** @type {StoredPageView & Own} */
  let view = { ...(await stored()), ...own };
  /** @param {Partial<Own> | StoredPageView} changes */
  function update(changes) {
    view = { ...view, ...changes };
    const name = view.t.text(title);
    document.documentElement.lang = view.t.language;
    document.title = `${name} – Poterne`;
    const header = h("header", { class: "top", "data-key": "top" }, logo(), h("h1", {}, name));
    morph(root, h("main", { class: "app in-tab" }, header, ...draw(view)));
  }
  update({});
  const again = async () => update(await stored());
  chrome.storage.local.onChanged.addListener(again);
  followHistory(again);
  watchManaged(again);
  return update;
}
