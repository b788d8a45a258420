import { PRIVATE_KINDS, secretsIn, shownSecrets } from "../../core/redaction.js";
import { TICKET_FILES, TICKET_FORMS, ticketText, USUALLY_DISCLOSED } from "../../core/ticket.js";
import { copyButton } from "./copy-button.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../state/view.js").RunView} RunView */
/** @typedef {import("../state/view.js").TicketChoice} TicketChoice */

/** @type {TicketChoice} */
export const USUAL_TICKET = Object.freeze({ form: "provider", kept: {} });

/** @param {TicketChoice} choice */
const keptIn = ({ form, kept }) =>
  new Set(PRIVATE_KINDS.filter((kind) => kept[kind] ?? USUALLY_DISCLOSED[form].includes(kind)));

/**
 * @param {RunView} view
 * @returns {{name: string, mime: string, data: string}}
 */
export function ticketFile({ t, run, ticket: choice }) {
  const { suffix, mime } = TICKET_FILES[choice.form];
  const data = run.report ? ticketText(run.report, choice.form, keptIn(choice), t) : "";
  return { name: `poterne-report.${suffix}`, mime, data };
}

/**
 * A report to hand over: for whom it is, what is private in it, and all of its text before anybody copies it.
 *
 * @param {RunView} view
 */
export function ticketSection(view) {
  const { t, run, ticket: choice } = view;
  if (!run.report) return null;
  const secrets = secretsIn(run.report);
  const kept = keptIn(choice);
  const { data } = ticketFile(view);
  const present = PRIVATE_KINDS.filter((kind) => secrets[kind].length > 0);
  return h(
    "details",
    { class: "ticket", "data-key": "ticket", "data-ticket": choice.form },
    h("summary", {}, t.text("ticket_summary")),
    h(
      "label",
      { class: "words" },
      h("span", {}, t.text("ticket_for")),
      h(
        "select",
        { "data-action": "ticket-form" },
        ...TICKET_FORMS.map((form) =>
          h("option", { value: form, selected: form === choice.form }, t.text(`ticket_form_${form}`)),
        ),
      ),
    ),
    present.length > 0 &&
      h(
        "fieldset",
        { class: "private" },
        h("legend", {}, t.text("ticket_private")),
        ...present.map((kind) =>
          h(
            "label",
            { "data-key": kind, "data-private": kind },
            h("input", { type: "checkbox", "data-action": "ticket-kept", "data-kind": kind, checked: kept.has(kind) }),
            h(
              "span",
              {},
              t.text(`ticket_private_${kind}`),
              " ",
              h("span", { class: "aside" }, shownSecrets(secrets[kind])),
            ),
          ),
        ),
      ),
    h("pre", { class: "ticket-text", tabindex: "0", role: "group", "aria-label": t.text("ticket_preview") }, data),
    h(
      "div",
      { class: "files" },
      copyButton(view, data, t.text("ui_report"), t.text("ticket_copy")),
      h(
        "button",
        { type: "button", class: "button small", "data-action": "ticket-save" },
        shape("save"),
        t.text("ticket_save"),
      ),
    ),
  );
}
