import { expectedInWords } from "../shared/expected.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("./screen.js").View} View */

/**
 * Whether what the organisation states works from here. A report of an older host does not say.
 *
 * @param {View} view
 */
export function expected({ t, run }) {
  const stated = run.phase === "done" ? run.report?.expected : null;
  if (!stated) return null;
  const { title, answer, lines } = expectedInWords(stated, t);
  const good = stated.state === "as-stated";
  return h(
    "section",
    { class: "expected", "data-key": "expected", "data-expected": stated.state, "aria-labelledby": "expected-title" },
    h("h2", { id: "expected-title" }, title),
    h("p", { class: "answer", "data-tone": good ? "good" : "warning" }, shape(good ? "good" : "warning"), answer),
    lines.length > 0 && h("ul", {}, ...lines.map((line) => h("li", {}, line))),
  );
}
