import { plain } from "../../core/catalogue.js";
import { olderSide } from "../../core/version-order.js";
import { h } from "./dom.js";

/**
 * Names the side that is older, while both still work.
 *
 * @param {import("../state/view.js").RunView} view
 */
export function versionNotice({ t, link }) {
  const extension = chrome.runtime.getManifest().version;
  const side = olderSide(link.version, extension);
  if (!side || !link.version) return null;
  const words = { host_version: plain(link.version), extension_version: extension };
  return h(
    "p",
    { class: "versions", "data-key": "versions", "data-older": side },
    t.text(`ui_versions_${side}_older`, words),
  );
}
