import { programChoices, sourcesOf } from "../../core/mail-programs.js";
import { h } from "./dom.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * In whose words the settings are said; an empty value stands for none in particular.
 *
 * @param {RunView} view
 */
export function programChooser({ t, programs, program, preferences }) {
  const options = [{ id: "", name: t.text("ui_words_general") }, ...programChoices(programs, t.language)];
  return h(
    "label",
    { class: "words", "data-key": "words" },
    h("span", {}, t.text("ui_words")),
    h(
      "select",
      { "data-action": "program", disabled: preferences.program.managed },
      ...options.map(({ id, name }) => h("option", { value: id, selected: id === (program?.id ?? "") }, name)),
    ),
  );
}

/**
 * Where a program's words were read.
 *
 * @param {RunView} view
 */
export function programSources({ t, programs, program }) {
  return (
    program &&
    h(
      "details",
      { class: "sources", "data-key": `sources ${program.id}` },
      h("summary", {}, t.text("ui_words_sources")),
      h(
        "ul",
        {},
        ...sourcesOf(programs, program).map(({ title, organisation, place, date }) =>
          h("li", {}, [organisation, title, place, date && t.date(date)].filter(Boolean).join(" · ")),
        ),
      ),
      h("p", {}, t.text("ui_words_read", { date: t.date(programs.read) })),
    )
  );
}
