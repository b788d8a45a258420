import { plain } from "../shared/catalogue.js";
import { known } from "../shared/run.js";
import { copyButton } from "./copy-button.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("./screen.js").View} View */
/** @typedef {import("../types/messages.d.ts").Setting} Setting */

/** An address as it was typed, perhaps as a URL: the whole of it, and the part before the last @. */
const ADDRESS = /^\s*(?:mailto:)?(([^\s?]+)@[^\s@?]+)/i;

const DIRECTIONS = /** @type {const} */ (["outgoing", "incoming"]);

/** Targets of which both directions are expected. */
const WHOLE = new Set(["account", "domain"]);

/**
 * What to type into the mail program. While a run is going each direction has one line, so that nothing jumps.
 *
 * @param {View} view
 */
export function settings(view) {
  const { t, run } = view;
  if (run.phase === "idle") return null;
  const found = known(run).settings;
  const running = run.phase === "running";
  const expected = running || (run.report !== null && WHOLE.has(run.report.target.kind));
  const any = found.outgoing.length + found.incoming.length > 0;
  const parts = DIRECTIONS.filter((direction) => found[direction].length > 0 || expected);
  if (!any && !running) return null;
  return h(
    "section",
    { class: "settings", "data-key": "settings", "aria-labelledby": "settings-title" },
    h("h2", { id: "settings-title" }, t.text("ui_settings")),
    ...parts.map((direction) =>
      running ? outlook(view, direction, found[direction][0]) : side(view, direction, found[direction]),
    ),
  );
}

/**
 * @param {View} view
 * @param {"outgoing" | "incoming"} direction
 * @param {...(Node | false)} content
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
 * @param {View} view
 * @param {"outgoing" | "incoming"} direction
 * @param {Setting | undefined} best
 */
function outlook(view, direction, best) {
  const { t } = view;
  if (!best) {
    return direct(view, direction, h("p", { class: "outlook", "data-key": "awaited" }, t.text("ui_settings_awaited")));
  }
  const summary = `${plain(best.host)} · ${best.port} · ${t.word("security", best.security)}`;
  return direct(
    view,
    direction,
    h(
      "details",
      { class: "setting outlook", "data-key": "best", ...handles(best) },
      h(
        "summary",
        {},
        h("span", { class: "verified", "data-tone": best.verified ? "good" : "plain" }, ...mark(view, best)),
        h("span", { class: "text" }, summary),
      ),
      values(view, best),
    ),
  );
}

/**
 * One direction when the run is over.
 *
 * @param {View} view
 * @param {"outgoing" | "incoming"} direction
 * @param {readonly Setting[]} list  the best first
 */
function side(view, direction, list) {
  const { t } = view;
  const [best, ...rest] = list;
  if (!best) return direct(view, direction, h("p", { class: "nothing" }, t.text("ui_settings_none")));
  return direct(
    view,
    direction,
    card(view, best),
    rest.length > 0 &&
      h(
        "details",
        { class: "alternatives", "data-key": "alternatives" },
        h("summary", {}, t.text("ui_alternatives", { count: t.number(rest.length) }, rest.length)),
        ...rest.map((other) => card(view, other)),
      ),
  );
}

/** @param {Setting} entry */
const handles = ({ host, port, security, verified }) => ({
  "data-host": host,
  "data-port": port,
  "data-security": security,
  "data-verified": String(verified),
});

/**
 * @param {View} view
 * @param {Setting} entry
 */
const mark = ({ t }, { verified }) => [
  shape(verified ? "good" : "unknown"),
  h("span", {}, t.text(verified ? "ui_verified" : "ui_unverified")),
];

/**
 * @param {View} view
 * @param {Setting} entry
 */
function card(view, entry) {
  const { protocol, host, port, security, verified } = entry;
  return h(
    "div",
    { class: "setting", "data-key": `${protocol} ${host} ${port} ${security}`, ...handles(entry) },
    h(
      "p",
      { class: "setting-head" },
      h("span", { class: "protocol" }, view.t.text(`protocol_${protocol}`)),
      h("span", { class: "verified", "data-tone": verified ? "good" : "plain" }, ...mark(view, entry)),
    ),
    values(view, entry),
  );
}

/**
 * Settings without encryption are shown as evidence: nothing of them can be copied.
 *
 * @param {View} view
 * @param {Setting} entry
 */
function values(view, entry) {
  const { host, port, security, auth } = entry;
  const encrypted = security !== "none";
  const user = userName(view, entry);
  return h(
    "div",
    { "data-key": "values" },
    h(
      "dl",
      { class: "values" },
      value(view, "ui_server", host, encrypted),
      value(view, "ui_port", String(port), encrypted),
      value(view, "ui_security", view.t.word("security", security), encrypted),
      encrypted && value(view, user.key, user.text, user.copy),
      encrypted && auth.length > 0 && value(view, "ui_sign_in", signIn(view, auth), false),
    ),
    !encrypted && h("p", { class: "unsafe" }, shape("warning"), view.t.text("ui_no_sign_in")),
  );
}

/**
 * @param {View} view
 * @param {string} key
 * @param {string} text
 * @param {boolean} copyable
 */
function value(view, key, text, copyable) {
  const name = view.t.text(key);
  const shown = plain(text);
  return h(
    "div",
    { class: "value", "data-key": key },
    h("dt", {}, name),
    h("dd", {}, h("span", { class: "text" }, shown), copyable && copyButton(view, shown, name)),
  );
}

/**
 * @param {View} view
 * @param {Setting} entry
 * @returns {{key: string, text: string, copy: boolean}}
 */
function userName({ t, run }, { username }) {
  const [, address, localPart] = ADDRESS.exec(run.report?.target.input ?? run.target) ?? [];
  const key = username === "unknown" && address ? "ui_user_usual" : "ui_user";
  const text = username === "local-part" ? localPart : address;
  return text ? { key, text, copy: true } : { key, text: t.word("username", username), copy: false };
}

/**
 * @param {View} view
 * @param {readonly string[]} methods
 */
const signIn = ({ t }, methods) => t.list(methods.map((method) => t.word("auth", method)));
