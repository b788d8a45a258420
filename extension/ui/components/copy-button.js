import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * @param {RunView} view
 * @param {string} text  what is copied
 * @param {string} what  what it is, for the button's name
 * @param {string} [words]  that stand on the button
 */
export function copyButton({ t, copied }, text, what, words) {
  const done = copied === `${what}\n${text}`;
  const label = t.text("ui_copy", { what });
  return h(
    "button",
    {
      type: "button",
      class: words ? "button small" : "copy",
      "data-action": "copy",
      "data-copy": text,
      "data-what": what,
      "data-copied": done,
      "aria-label": words ? null : label,
      title: words ? null : label,
    },
    shape(done ? "copied" : "copy"),
    words,
  );
}
