import { plain } from "../../core/catalogue.js";
import { programChoices } from "../../core/mail-programs.js";
import { loadPrograms } from "../../platform/bundled-files.js";
import { h } from "../components/dom.js";
import { languageList } from "../components/language-list.js";
import { storeChoice } from "../state/choice-storage.js";
import { showStoredPage } from "./stored-page.js";

/** @typedef {import("../../core/mail-programs.js").Programs} Programs */
/** @typedef {import("../state/view.js").StoredPageView} StoredPageView */

/**
 * One option; a managed one says whose it is.
 *
 * @param {StoredPageView["t"]} t
 * @param {string} name
 * @param {string | null} managed  by whom; null: the user chooses
 * @param {HTMLElement} control
 * @param {{key: string, follows?: boolean}} hint
 */
function option(t, name, managed, control, { key, follows = false }) {
  const label = h("span", { class: "option-name" }, t.text(key));
  return h(
    "div",
    { class: "option", "data-key": name, "data-option": name, "data-managed": managed !== null },
    h("label", {}, ...(follows ? [control, label] : [label, control])),
    h("p", { class: "hint" }, t.text(`options_${name}_hint`)),
    managed !== null && h("p", { class: "managed" }, managed),
  );
}

/**
 * What the administrator tells beside: the organisation, its help, its domain and its servers.
 *
 * @param {StoredPageView["t"]} t
 * @param {StoredPageView["managed"]} managed
 */
function organisation(t, { organisation: name, help, domain, servers = [] }) {
  if (!name && !help && !domain && servers.length === 0) return null;
  return h(
    "section",
    { class: "option", "data-key": "desk", "data-organisation": name ?? "", "aria-labelledby": "desk-title" },
    h("h2", { id: "desk-title" }, plain(name ?? t.text("options_organisation"))),
    domain && h("p", {}, t.text("options_domain", { domain: plain(domain) })),
    servers.length > 0 && h("p", {}, t.text("options_servers")),
    servers.length > 0 &&
      h(
        "ul",
        {},
        ...servers.map(({ protocol, host, port, security }) =>
          h("li", {}, `${protocol.toUpperCase()} – ${plain(host)}, ${port} (${t.word("security", security)})`),
        ),
      ),
    help && h("p", {}, h("a", { href: help, target: "_blank", rel: "noreferrer" }, t.text("options_help"))),
  );
}

/**
 * What can be chosen, and what the administrator says of it.
 *
 * @param {StoredPageView & {refused: boolean}} view  `refused`: there was no room for what was chosen last
 * @param {Programs} programs
 */
function optionsScreen({ t, managed, refused, pastRuns, preferences }, programs) {
  const { language, program, history } = preferences;
  const whose = managed.organisation
    ? t.text("options_managed_by", { name: plain(managed.organisation) })
    : t.text("options_managed");
  const by = (/** @type {{managed: boolean}} */ preference) => (preference.managed ? whose : null);
  return [
    option(t, "language", by(language), languageList(t, language), { key: "ui_language" }),
    option(
      t,
      "program",
      by(program),
      h(
        "select",
        { "data-action": "program", disabled: program.managed },
        ...[{ id: "", name: t.text("ui_words_general") }, ...programChoices(programs, t.language)].map(({ id, name }) =>
          h("option", { value: id, selected: id === program.value }, name),
        ),
      ),
      { key: "options_program" },
    ),
    option(
      t,
      "history",
      by(history),
      h("input", { type: "checkbox", "data-action": "history", checked: history.value, disabled: history.managed }),
      { key: "options_history", follows: true },
    ),
    pastRuns.refused &&
      history.value &&
      h("p", { class: "unkept", "data-key": "unkept-past", "data-unkept": "past" }, t.text("ui_unkept_past")),
    managed.unreadable === true &&
      h(
        "p",
        { class: "unkept", "data-key": "unreadable", "data-unreadable": true },
        t.text("options_managed_unreadable"),
      ),
    refused &&
      h(
        "p",
        { class: "unkept", "data-key": "unkept", "data-unkept": "choice", role: "status" },
        t.text("ui_unkept_choice"),
      ),
    organisation(t, managed),
    h("p", {}, h("a", { href: "/history/history.html" }, t.text("past_all"))),
  ];
}

/** Shows the options in the page's `<main>`, and stores what is chosen. */
export async function showOptionsPage() {
  const programs = await loadPrograms();
  const update = await showStoredPage("options_title", { refused: false }, (view) => optionsScreen(view, programs));
  document.querySelector("main")?.addEventListener("change", ({ target }) => {
    const list = target instanceof HTMLSelectElement ? target : null;
    const box = target instanceof HTMLInputElement ? target : null;
    const choice = list ? { [list.dataset["action"] ?? ""]: list.value } : box && { history: box.checked };
    if (choice) storeChoice(choice, list ?? box ?? undefined).then((stored) => update({ refused: !stored }));
  });
}
