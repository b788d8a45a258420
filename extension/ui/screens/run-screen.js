import { runIsOfPage } from "../../core/page-servers.js";
import { h } from "../components/dom.js";
import { endpointTables } from "../components/endpoint-table.js";
import { findingsList } from "../components/findings-list.js";
import { hostProblem } from "../components/host-problem.js";
import { languageList } from "../components/language-list.js";
import { organisationCheck } from "../components/organisation-check.js";
import { pageSection } from "../components/page-section.js";
import { pastRuns, reportAddress } from "../components/past-runs.js";
import { reasonsSection } from "../components/reasons-section.js";
import { settingsSection } from "../components/settings-section.js";
import { logo, shape } from "../components/shapes.js";
import { targetForm } from "../components/target-form.js";
import { technicalDetails } from "../components/technical-details.js";
import { ticketSection } from "../components/ticket-section.js";
import { verdictCard } from "../components/verdict-card.js";
import { versionNotice } from "../components/version-notice.js";
import { waySection } from "../components/way-picture.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/** @param {RunView} view */
function phaseOf({ link, run }) {
  return run.phase !== "running" && link.cause ? "failed" : run.phase;
}

/** @param {RunView} view */
export function runScreen(view) {
  const phase = phaseOf(view);
  const broken = phase === "failed" && view.link.cause !== null;
  // A form's own run leaves it where it was read: what can be written into it is the first answer.
  const formFirst = phase === "idle" || (!broken && view.page !== null && runIsOfPage(view.run, view.page));
  const result = [
    organisationCheck(view),
    waySection(view),
    reasonsSection(view),
    settingsSection(view),
    findingsList(view),
    endpointTables(view),
    ticketSection(view),
    technicalDetails(view),
  ];
  return h(
    "main",
    { class: view.inTab ? "app in-tab" : "app", "data-run": phase },
    header(view),
    targetForm(view),
    formFirst && pageSection(view),
    ...(broken ? [hostProblem(view)] : [verdictCard(view), formFirst ? null : pageSection(view), welcome(view)]),
    // What a host had found before it was lost stays; an older run is not what this screen is about.
    ...(broken && view.run.phase !== "failed" ? [] : result),
    versionNotice(view),
    unkept(view),
    pastRuns(view),
    footer(view),
  );
}

/** @param {RunView} view */
function header(view) {
  const { t, inTab, run } = view;
  const printed = inTab && run.phase === "done";
  return h(
    "header",
    { class: "top", "data-key": "top" },
    logo(),
    h("h1", {}, "Poterne"),
    printed &&
      h(
        "button",
        { type: "button", class: "button small", "data-key": "print", "data-action": "print" },
        t.text("ui_print"),
      ),
    printed && link(t, "tab", "ui_keep", keptAddress(view)),
    !inTab &&
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "data-action": "open-tab",
          "aria-label": t.text("ui_open_tab"),
          title: t.text("ui_open_tab"),
        },
        shape("tab"),
      ),
  );
}

/**
 * The address under which the report can be found again, where it is kept.
 *
 * @param {RunView} view
 */
const keptAddress = ({ run, pastRuns: { entries } }) =>
  run.id !== null && entries.some(({ id }) => id === run.id) ? reportAddress(run.id) : null;

/**
 * @param {RunView["t"]} t
 * @param {string} sign
 * @param {string} key
 * @param {string | null} href
 */
const link = (t, sign, key, href) =>
  href && h("a", { class: "kept-link", "data-key": key, href }, shape(sign), t.text(key));

/**
 * What it does and what it never does, until that has been read; it never hides the form.
 *
 * @param {RunView} view
 */
function welcome({ t, run, welcomed, pastRuns: { entries } }) {
  if (run.phase !== "idle" || (welcomed && entries.length > 0)) return null;
  return h(
    "section",
    { class: "welcome", "data-key": "welcome", "data-first-run": !welcomed },
    h("p", { class: "lead" }, t.text("ui_welcome")),
    h("p", {}, t.text("ui_welcome_detail")),
    !welcomed &&
      h(
        "ul",
        { class: "never", "data-key": "never" },
        ...["password", "mail", "sites", "upload"].map((what) => h("li", {}, shape("bad"), t.text(`ui_never_${what}`))),
      ),
    !welcomed &&
      h(
        "button",
        { type: "button", class: "button small", "data-key": "read", "data-action": "welcome" },
        t.text("ui_welcome_read"),
      ),
  );
}

/**
 * What the browser had no room for.
 *
 * @param {RunView} view
 */
function unkept({ t, run, unkept: id, choiceRefused, pastRuns: { refused }, preferences: { history } }) {
  const done = run.phase === "done";
  const nothing = done && refused && history.value;
  const what = nothing ? "past" : done && run.id === id ? "result" : choiceRefused ? "choice" : null;
  if (what === null) return null;
  return h(
    "p",
    { class: "unkept", "data-key": "unkept", "data-unkept": what, role: "status" },
    t.text(`ui_unkept_${what}`),
  );
}

/** @param {RunView} view */
function footer({ t, preferences: { language } }) {
  return h(
    "footer",
    { class: "bottom", "data-key": "bottom" },
    h("p", {}, t.text("ui_promise")),
    h(
      "a",
      { href: "/options/options.html", target: "_blank", rel: "noopener", "data-key": "options" },
      t.text("options_title"),
    ),
    h(
      "label",
      { class: "language" },
      h("span", { class: "visually-hidden" }, t.text("ui_language")),
      languageList(t, language),
    ),
  );
}
