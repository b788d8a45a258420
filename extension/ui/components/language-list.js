import { LANGUAGES } from "../../core/catalogue.js";
import { h } from "./dom.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * The list of languages, each in its own.
 *
 * @param {RunView["t"]} t
 * @param {RunView["preferences"]["language"]} chosen
 */
export const languageList = (t, { value, managed }) =>
  h(
    "select",
    { "data-action": "language", disabled: managed, title: managed ? t.text("options_managed") : null },
    ...["auto", ...LANGUAGES].map((one) =>
      h(
        "option",
        { value: one, selected: one === value, lang: one === "auto" ? null : one },
        t.text(`ui_language_${one}`),
      ),
    ),
  );
