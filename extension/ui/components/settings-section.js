import { plain } from "../../core/catalogue.js";
import { commonRemarks, offeredSettings, programRemarks } from "../../core/mail-programs.js";
import { runResults } from "../../core/run.js";
import { h } from "./dom.js";
import { exportSection } from "./export-section.js";
import { programChooser, programSources } from "./program-chooser.js";
import { remarkList, settingCard, settingHandles, settingValues, verifiedMark } from "./setting-card.js";

/** @typedef {import("../../types/messages.d.ts").Setting} Setting */
/** @typedef {import("../state/view.js").RunView} RunView */

const DIRECTIONS = /** @type {const} */ (["outgoing", "incoming"]);

/** Targets of which both directions are expected. */
const WHOLE = new Set(["account", "domain"]);

/**
 * What to type into the mail program. While a run is going each direction has one line, so that nothing jumps.
 *
 * @param {RunView} view
 */
export function settingsSection(view) {
  const { t, run, program } = view;
  if (run.phase === "idle") return null;
  const found = runResults(run).settings;
  const running = run.phase === "running";
  const expected = running || (run.report !== null && WHOLE.has(run.report.target.kind));
  const all = DIRECTIONS.flatMap((direction) => found[direction]);
  const parts = DIRECTIONS.filter((direction) => found[direction].length > 0 || expected);
  if (all.length === 0 && !running) return null;
  const shared = program && !running ? commonRemarks(program, all, t.language) : [];
  const made = new Set(shared);
  return h(
    "section",
    { class: "settings", "data-key": "settings", "aria-labelledby": "settings-title" },
    h(
      "div",
      { class: "settings-head", "data-key": "head" },
      h("h2", { id: "settings-title" }, t.text("ui_settings")),
      programChooser(view),
    ),
    remarkList(shared),
    ...parts.map((direction) =>
      running ? outlook(view, direction, found[direction]) : side(view, direction, found[direction], made),
    ),
    exportSection(view),
    programSources(view),
  );
}

/**
 * @param {RunView} view
 * @param {"outgoing" | "incoming"} direction
 * @param {...(Node | false | null)} content
 */
function direct({ t }, direction, ...content) {
  const id = `${direction}-title`;
  return h(
    "section",
    { class: "side", "data-key": direction, "data-settings": direction, "aria-labelledby": id },
    h("h3", { id }, t.text(`ui_${direction}`)),
    ...content,
  );
}

/**
 * One direction while the run is going: the best setting so far in one line, which opens.
 *
 * @param {RunView} view
 * @param {"outgoing" | "incoming"} direction
 * @param {readonly Setting[]} list
 */
function outlook(view, direction, list) {
  const { t } = view;
  const { first } = offeredSettings(view.program, list);
  if (!first) {
    return direct(view, direction, h("p", { class: "outlook", "data-key": "awaited" }, t.text("ui_settings_awaited")));
  }
  const summary = `${plain(first.host)} · ${first.port} · ${t.word("security", first.security)}`;
  return direct(
    view,
    direction,
    h(
      "details",
      { class: "setting outlook", "data-key": "best", ...settingHandles(first) },
      h(
        "summary",
        {},
        h("span", { class: "verified", "data-tone": first.verified ? "good" : "plain" }, ...verifiedMark(view, first)),
        h("span", { class: "text" }, summary),
      ),
      settingValues(view, first),
    ),
  );
}

/**
 * One direction when the run is over.
 *
 * @param {RunView} view
 * @param {"outgoing" | "incoming"} direction
 * @param {readonly Setting[]} list  the best first
 * @param {ReadonlySet<string>} made  remarks that stand above already
 */
function side(view, direction, list, made) {
  const { t } = view;
  if (list.length === 0) return direct(view, direction, h("p", { class: "nothing" }, t.text("ui_settings_none")));
  const { first, rest } = offeredSettings(view.program, list);
  return direct(
    view,
    direction,
    first ? settingCard(view, first, made) : unusable(view, list),
    rest.length > 0 &&
      h(
        "details",
        { class: "alternatives", "data-key": "alternatives" },
        h("summary", {}, t.text("ui_alternatives", { count: t.number(rest.length) }, rest.length)),
        ...rest.map((other) => settingCard(view, other, made)),
      ),
  );
}

/**
 * What stands in place of a setting where the chosen program can use none.
 *
 * @param {RunView} view
 * @param {readonly Setting[]} list
 */
function unusable(view, list) {
  const { t, program } = view;
  const known = new Set(list.flatMap((entry) => (program ? programRemarks(program, entry, t.language) : [])));
  return h(
    "div",
    { class: "nothing", "data-key": "unusable", "data-unusable": true },
    h("p", {}, t.text("ui_words_none")),
    ...[...known].map((remark) => h("p", {}, remark)),
  );
}
