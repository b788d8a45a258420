import { TARGET_LIMIT } from "../core/target-in-text.js";

/** @typedef {import("../core/catalogue.js").Catalogue} Catalogue */

/** Chromium reads suggestions as XML. @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param {Catalogue} t */
export function drawOmnibox(t) {
  globalThis.chrome?.omnibox?.setDefaultSuggestion({ description: escaped(t.text("omnibox_hint")) });
}

/** @param {(target: string, here: boolean) => void} onTyped  `here`: the answer belongs in the tab in front */
export function followOmnibox(onTyped) {
  globalThis.chrome?.omnibox?.onInputEntered.addListener((text, disposition) => {
    const target = text.trim().slice(0, TARGET_LIMIT);
    if (target !== "") onTyped(target, disposition === "currentTab");
  });
}
