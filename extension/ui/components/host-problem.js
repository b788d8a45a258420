import { plain } from "../../core/catalogue.js";
import { commandForProblem, stepBeforeCommand } from "../../core/install-commands.js";
import { copyButton } from "./copy-button.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/** No API tells whether the browser is shut in; where it is, it finds no program of the system. */
const SANDBOXED = new Set(["host-missing", "host-forbidden", "host-crashed"]);

/**
 * A command whose lines end between words, never within an option.
 *
 * @param {string} command
 */
const words = (command) =>
  command.split(" ").flatMap((word, index) => [index > 0 ? " " : "", h("span", { class: "word" }, word)]);

/**
 * The screen that explains why the host cannot be used, and what to do.
 *
 * @param {RunView} view
 */
export function hostProblem(view) {
  const { t, link, environment } = view;
  const { cause } = link;
  if (!cause) return null;
  const key = `ui_problem_${cause.replaceAll("-", "_")}`;
  const command = commandForProblem(cause, environment.browser, environment.os);
  const name = t.text(cause === "extension-outdated" ? "ui_command_page" : "ui_command");
  const first = stepBeforeCommand(cause, environment.os);
  const checking = link.phase === "starting";
  return h(
    "section",
    { class: "problem", "data-key": "problem", "data-problem": cause },
    h(
      "div",
      { role: "alert", "data-key": "alert" },
      h("h2", {}, shape("warning"), t.text(key)),
      h("p", {}, t.text(`${key}_text`)),
    ),
    first && h("p", { class: "advice", "data-key": "first" }, t.text(first)),
    h("p", { class: "command-name", id: "command-name" }, name),
    h(
      "div",
      { class: "command" },
      h(
        "code",
        { "data-command": true, "aria-labelledby": "command-name", role: "group", tabindex: "0" },
        ...words(command),
      ),
      copyButton(view, command, name),
    ),
    t.has(`${key}_hint`) && h("p", { class: "advice" }, t.text(`${key}_hint`)),
    SANDBOXED.has(cause) &&
      environment.os === "linux" &&
      h("p", { class: "advice", "data-sandbox": true }, t.text("ui_problem_sandbox")),
    h(
      "button",
      { type: "button", class: "button primary", "data-action": "warm", "aria-disabled": checking ? "true" : null },
      t.text(checking ? "ui_checking" : "ui_check_again"),
    ),
    link.detail &&
      h("p", { class: "said" }, t.text("ui_browser_said"), " ", h("span", { lang: "en" }, plain(link.detail))),
  );
}
