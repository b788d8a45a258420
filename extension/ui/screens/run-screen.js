import { isOf } from "../../core/page-servers.js";
import { details } from "../components/technical-details.js";
import { h } from "../components/dom.js";
import { endpoints } from "../components/endpoint-table.js";
import { expected } from "../components/organisation-check.js";
import { findings } from "../components/findings-list.js";
import { form } from "../components/target-form.js";
import { headline } from "../components/verdict-card.js";
import { languages } from "../components/language-list.js";
import { past, reportAddress } from "../components/past-runs.js";
import { problem } from "../components/host-problem.js";
import { settings } from "../components/settings-section.js";
import { pageSays } from "../components/page-section.js";
import { mark, shape } from "../components/shapes.js";
import { ticket } from "../components/ticket-section.js";
import { versions } from "../components/version-notice.js";
import { way } from "../components/way-picture.js";
import { why } from "../components/reasons-section.js";

/** @typedef {import("../state/view.js").View} View */

/** @param {View} view */
function phaseOf({ link, run }) {
  return run.phase !== "running" && link.cause ? "failed" : run.phase;
}

/** @param {View} view */
export function screen(view) {
  const phase = phaseOf(view);
  const broken = phase === "failed" && view.link.cause !== null;
  // A form's own run leaves it where it was read: what can be written into it is the first answer.
  const formFirst = phase === "idle" || (!broken && view.page !== null && isOf(view.run, view.page));
  const result = [
    expected(view),
    way(view),
    why(view),
    settings(view),
    findings(view),
    endpoints(view),
    ticket(view),
    details(view),
  ];
  return h(
    "main",
    { class: view.inTab ? "app in-tab" : "app", "data-run": phase },
    header(view),
    form(view),
    formFirst && pageSays(view),
    ...(broken ? [problem(view)] : [headline(view), formFirst ? null : pageSays(view), welcome(view)]),
    // What a host had found before it was lost stays; an older run is not what this screen is about.
    ...(broken && view.run.phase !== "failed" ? [] : result),
    versions(view),
    unkept(view),
    past(view),
    footer(view),
  );
}

/** @param {View} view */
function header(view) {
  const { t, inTab, run } = view;
  const printed = inTab && run.phase === "done";
  return h(
    "header",
    { class: "top", "data-key": "top" },
    mark(),
    h("h1", {}, "Poterne"),
    printed &&
      h("button", { type: "button", class: "button small", "data-key": "print", "data-action": "print" }, t.text("ui_print")),
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
 * @param {View} view
 */
const keptAddress = ({ run, past: { entries } }) =>
  run.id !== null && entries.some(({ id }) => id === run.id) ? reportAddress(run.id) : null;

/**
 * @param {View["t"]} t
 * @param {string} sign
 * @param {string} key
 * @param {string | null} href
 */
const link = (t, sign, key, href) =>
  href && h("a", { class: "kept-link", "data-key": key, href }, shape(sign), t.text(key));

/**
 * What it does and what it never does, until that has been read; it never hides the form.
 *
 * @param {View} view
 */
function welcome({ t, run, welcomed, past: { entries } }) {
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
 * @param {View} view
 */
function unkept({ t, run, unkept: id, choiceRefused, past: { refused }, preferences: { history } }) {
  const done = run.phase === "done";
  const nothing = done && refused && history.value;
  const what = nothing ? "past" : done && run.id === id ? "result" : choiceRefused ? "choice" : null;
  if (what === null) return null;
  return h("p", { class: "unkept", "data-key": "unkept", "data-unkept": what, role: "status" }, t.text(`ui_unkept_${what}`));
}

/** @param {View} view */
function footer({ t, preferences: { language } }) {
  return h(
    "footer",
    { class: "bottom", "data-key": "bottom" },
    h("p", {}, t.text("ui_promise")),
    h("a", { href: "/options/options.html", target: "_blank", rel: "noopener", "data-key": "options" }, t.text("options_title")),
    h(
      "label",
      { class: "language" },
      h("span", { class: "visually-hidden" }, t.text("ui_language")),
      languages(t, language),
    ),
  );
}
