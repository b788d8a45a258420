import { LANGUAGES } from "../shared/catalogue.js";
import { details } from "./details.js";
import { h } from "./dom.js";
import { endpoints } from "./endpoints.js";
import { findings } from "./findings.js";
import { form } from "./form.js";
import { headline } from "./headline.js";
import { problem } from "./problem.js";
import { settings } from "./settings.js";
import { pageSays } from "./page-says.js";
import { mark, shape } from "./shapes.js";
import { way } from "./way.js";
import { why } from "./why.js";

/**
 * Everything that a rendering depends on.
 *
 * @typedef {object} View
 * @property {import("../shared/catalogue.js").Catalogue} t
 * @property {import("../shared/link-state.js").LinkState} link
 * @property {import("../shared/run.js").Run} run
 * @property {{browser: string, os: string}} place
 * @property {string | undefined} choice  the chosen language
 * @property {boolean} inTab
 * @property {string | null} copied  the copy button that was pressed last
 * @property {import("../shared/programs.js").Programs} programs
 * @property {import("../shared/programs.js").Program | null} program  the one in whose words settings are said
 * @property {import("./handover.js").Handed | null} handed
 * @property {number | null} tab  the one whose page this is about
 * @property {import("../background/reader.js").PageState | null} page  what that page says
 * @property {boolean} emptyRefused  Enter was pressed on an empty field
 */

/** @param {View} view */
function phaseOf({ link, run }) {
  return run.phase !== "running" && link.cause ? "failed" : run.phase;
}

/** @param {View} view */
export function screen(view) {
  const phase = phaseOf(view);
  const broken = phase === "failed" && view.link.cause !== null;
  const result = [way(view), why(view), settings(view), findings(view), endpoints(view), details(view)];
  return h(
    "main",
    { class: view.inTab ? "app in-tab" : "app", "data-run": phase },
    header(view),
    form(view),
    phase === "idle" && pageSays(view),
    ...(broken ? [problem(view)] : [headline(view), phase === "idle" ? null : pageSays(view), welcome(view)]),
    // What a host had found before it was lost stays; an older run is not what this screen is about.
    ...(broken && view.run.phase !== "failed" ? [] : result),
    footer(view),
  );
}

/** @param {View} view */
function header({ t, inTab }) {
  const label = t.text("ui_open_tab");
  return h(
    "header",
    { class: "top", "data-key": "top" },
    mark(),
    h("h1", {}, "Poterne"),
    !inTab &&
      h(
        "button",
        { type: "button", class: "icon-button", "data-action": "open-tab", "aria-label": label, title: label },
        shape("tab"),
      ),
  );
}

/** @param {View} view */
function welcome({ t, run }) {
  if (run.phase !== "idle") return null;
  return h(
    "section",
    { class: "welcome", "data-key": "welcome" },
    h("p", { class: "lead" }, t.text("ui_welcome")),
    h("p", {}, t.text("ui_welcome_detail")),
  );
}

/** @param {View} view */
function footer({ t, choice }) {
  const options = [
    ["auto", t.text("ui_language_auto")],
    ...LANGUAGES.map((language) => [language, t.text(`ui_language_${language}`)]),
  ];
  return h(
    "footer",
    { class: "bottom", "data-key": "bottom" },
    h("p", {}, t.text("ui_promise")),
    h(
      "label",
      { class: "language" },
      h("span", { class: "visually-hidden" }, t.text("ui_language")),
      h(
        "select",
        { "data-action": "language" },
        ...options.map(([value, name]) =>
          h("option", { value, selected: value === (choice ?? "auto"), lang: value === "auto" ? null : value }, name),
        ),
      ),
    ),
  );
}
