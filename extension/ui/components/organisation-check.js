import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * Whether what the organisation states works from here. A report of an older host does not say.
 *
 * @param {RunView} view
 */
export function organisationCheck({ t, run }) {
  const stated = run.phase === "done" ? run.report?.expected : null;
  const says = run.report?.told?.expected;
  if (!stated || !says) return null;
  const good = stated.state === "as-stated";
  return h(
    "section",
    { class: "expected", "data-key": "expected", "data-expected": stated.state, "aria-labelledby": "expected-title" },
    h("h2", { id: "expected-title" }, t.said(says.title)),
    h(
      "p",
      { class: "answer", "data-tone": good ? "good" : "warning" },
      shape(good ? "good" : "warning"),
      t.said(says.answer),
    ),
    says.servers.length > 0 && h("ul", {}, ...says.servers.map((server) => h("li", {}, t.said(server)))),
  );
}
