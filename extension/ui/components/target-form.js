import { spoken } from "../../core/catalogue.js";
import { TARGET_LIMIT } from "../../core/target-in-text.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/** @param {RunView} view */
export function targetForm({ t, run, emptyRefused }) {
  const refused = emptyRefused || run.refusal !== null;
  const running = run.phase === "running";
  const hinted = !refused && run.phase === "idle";
  return h(
    "form",
    { class: "form", "data-key": "form", novalidate: true, autocomplete: "off", "data-action": "run" },
    h("label", { for: "target", class: "label" }, t.text("ui_target_label")),
    h(
      "div",
      { class: "field" },
      h("input", {
        id: "target",
        name: "target",
        type: "text",
        inputmode: "email",
        autocapitalize: "none",
        autocomplete: "off",
        spellcheck: "false",
        maxlength: TARGET_LIMIT,
        "aria-invalid": refused ? "true" : null,
        "aria-describedby": refused ? "refusal" : hinted ? "hint" : null,
      }),
      running
        ? h(
            "button",
            { type: "button", class: "button stop", "data-key": "stop", "data-action": "stop" },
            shape("stop"),
            t.text("ui_stop"),
          )
        : h("button", { type: "submit", class: "button primary", "data-key": "test" }, t.text("ui_test")),
    ),
    refused ? refusal(t, emptyRefused ? null : run.refusal, run.origin) : null,
    hinted && h("p", { id: "hint", class: "hint", "data-key": "hint" }, t.text("ui_target_hint")),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {RunView["run"]["refusal"]} reason  null: nothing was typed
 * @param {RunView["run"]["origin"]} origin
 */
function refusal(t, reason, origin) {
  const byPage = origin === "page" && reason?.code === "forbidden";
  const key = reason ? `ui_refusal_${reason.code.replaceAll("-", "_")}${byPage ? "_page" : ""}` : "ui_refusal_empty";
  /** @type {(string | Node)[]} */
  const parts = [t.text(key)];
  if (reason) parts.push(" ", h("span", { lang: "en", class: "refusal-detail" }, spoken(reason.message)));
  return h(
    "p",
    { id: "refusal", class: "refusal", role: "alert", "data-key": "refusal", "data-refusal": true },
    ...parts,
  );
}
