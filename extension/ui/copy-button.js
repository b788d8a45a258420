import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("./screen.js").View} View */

/**
 * @param {View} view
 * @param {string} text  what is copied
 * @param {string} what  what it is, for the button's name
 */
export function copyButton({ t, copied }, text, what) {
  const done = copied === `${what}\n${text}`;
  const label = t.text("ui_copy", { what });
  return h(
    "button",
    {
      type: "button",
      class: "copy",
      "data-action": "copy",
      "data-copy": text,
      "data-what": what,
      "data-copied": done,
      "aria-label": label,
      title: label,
    },
    shape(done ? "copied" : "copy"),
  );
}
