import { choices, load } from "../shared/programs.js";
import { h } from "../ui/dom.js";
import { languages } from "../ui/screen.js";
import { settledPage } from "../ui/settled-page.js";

/** @typedef {import("../ui/settled-page.js").Settled} Settled */

const programs = await load();

/**
 * One option; a managed one says whose it is.
 *
 * @param {Settled["t"]} t
 * @param {string} name
 * @param {boolean} managed
 * @param {HTMLElement} control
 * @param {{key: string, follows?: boolean}} hint
 */
function option(t, name, managed, control, { key, follows = false }) {
  const label = h("span", { class: "option-name" }, t.text(key));
  return h(
    "div",
    { class: "option", "data-key": name, "data-option": name, "data-managed": managed },
    h("label", {}, ...(follows ? [control, label] : [label, control])),
    h("p", { class: "hint" }, t.text(`options_${name}_hint`)),
    managed && h("p", { class: "managed" }, t.text("options_managed")),
  );
}

await settledPage("options_title", {}, ({ t, preferences: { language, program, history } }) => [
  option(t, "language", language.managed, languages(t, language), { key: "ui_language" }),
  option(
    t,
    "program",
    program.managed,
    h(
      "select",
      { "data-action": "program", disabled: program.managed },
      ...[{ id: "", name: t.text("ui_words_general") }, ...choices(programs, t.language)].map(({ id, name }) =>
        h("option", { value: id, selected: id === program.value }, name),
      ),
    ),
    { key: "options_program" },
  ),
  option(
    t,
    "history",
    history.managed,
    h("input", { type: "checkbox", "data-action": "history", checked: history.value, disabled: history.managed }),
    { key: "options_history", follows: true },
  ),
  h("p", {}, h("a", { href: "/history/history.html" }, t.text("past_all"))),
]);

document.querySelector("main")?.addEventListener("change", ({ target }) => {
  if (target instanceof HTMLSelectElement) chrome.storage.local.set({ [target.dataset["action"] ?? ""]: target.value });
  if (target instanceof HTMLInputElement) chrome.storage.local.set({ history: target.checked });
});
