import { plain } from "../../core/catalogue.js";
import { formHolds, pageNamesTarget, runIsOfPage, settingsForServer, targetOfServer } from "../../core/page-servers.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../../core/page-state.js").PageState} PageState */
/** @typedef {import("../../types/page.d.ts").Change} Change */
/** @typedef {import("../../types/page.d.ts").PageServer} PageServer */
/** @typedef {import("../../types/page.d.ts").Wanted} Wanted */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * What the page in the tab says, what of it can be tested, and what can be written into it.
 *
 * @param {RunView} view
 */
export function pageSection(view) {
  const { t, page, run } = view;
  if (!page || (run.phase === "running" && !runIsOfPage(run, page))) return null;
  const { reading } = page;
  const lines = [
    ...(reading?.servers.map((server) => one(view, page, server)) ?? []),
    addressLine(view, page),
    siteLine(view, page),
    reading !== null && reading.foreign > 0 && aside(t.text("page_foreign"), "foreign"),
    reading?.cut && aside(t.text("page_cut"), "cut"),
    outcome(view, page),
  ].filter((line) => line instanceof Node);
  if (lines.length === 0) return null;
  return h(
    "section",
    { class: "page", "data-key": "page", "data-page": true, "aria-labelledby": "page-title" },
    h("h2", { id: "page-title" }, t.text("page_title")),
    ...lines,
  );
}

/** @param {string} text @param {string} key */
const aside = (text, key) => h("p", { class: "aside", "data-key": key, "data-page-note": key }, text);

/**
 * @param {RunView} view
 * @param {string} target
 * @param {{key: string, server?: string, primary: boolean}} how
 */
const press = ({ t, run }, target, { key, server, primary }) =>
  h(
    "button",
    {
      type: "button",
      disabled: run.phase === "running",
      class: primary ? "button primary" : "button small",
      "data-key": key,
      "data-action": "test-page",
      "data-target": target,
      "data-server": server ?? null,
    },
    t.text("page_test", { target: plain(target) }),
  );

/**
 * One server that a form of the page asks for.
 *
 * @param {RunView} view
 * @param {PageState} page
 * @param {PageServer} server
 */
function one(view, page, server) {
  const { t, run } = view;
  const target = targetOfServer(server);
  const first = page.reading?.servers.find(({ host }) => host.name) === server;
  const { working, wanted } = runIsOfPage(run, page) ? settingsForServer(run, server) : { working: [], wanted: null };
  const already = wanted !== null && formHolds(server, wanted);
  const { filled } = page;
  const written = filled?.problem === null && filled.server === server.id && !filled.undone;
  return h(
    "div",
    {
      class: "page-server",
      "data-key": server.id,
      "data-page-server": server.id,
      "data-page-direction": server.direction ?? "unknown",
    },
    h("p", { class: "page-text", "data-key": "says" }, ...sentence(t, server)),
    already &&
      !written &&
      h("p", { class: "page-good", "data-key": "already" }, shape("good"), h("span", {}, t.text("page_already"))),
    !already &&
      working.length > 0 &&
      !wanted &&
      h("p", { class: "aside", "data-key": "unfit" }, t.text("page_problem_unfit")),
    wanted &&
      !already &&
      h("p", { class: "page-wanted", "data-key": "wanted" }, shape("good"), h("span", {}, works(t, wanted))),
    h(
      "div",
      { class: "page-actions", "data-key": "actions" },
      wanted && !already && fillButton(t, server, wanted),
      target && press(view, target, { key: "test", server: server.id, primary: first && run.phase === "idle" }),
    ),
    changes(view, page, server),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {PageServer} server
 * @param {Wanted} wanted
 */
const fillButton = (t, { id }, { host, port, security }) =>
  h(
    "button",
    {
      type: "button",
      class: "button primary",
      "data-key": "fill",
      "data-action": "fill-page",
      "data-server": id,
      "data-to-host": host,
      "data-to-port": port,
      "data-to-security": security,
    },
    t.text("page_fill"),
  );

/**
 * @param {RunView["t"]} t
 * @param {Wanted} wanted
 */
const works = (t, { host, port, security }) =>
  t.text("page_works", { host: plain(host), port: String(port), security: t.word("security", security) });

/**
 * @param {RunView["t"]} t
 * @param {PageServer} server
 * @returns {(Node | string)[]}
 */
function sentence(t, { host, port, security, direction }) {
  const side = h("span", { class: "page-side" }, t.text(direction ? `ui_${direction}` : "page_server"));
  if (!host.name && host.value === "") return [side, t.text("page_empty")];
  const parts = [plain(host.name ?? host.value)];
  if (port?.port) parts.push(t.text("page_port", { port: String(port.port) }));
  if (security?.means) parts.push(t.text(`page_security_${security.means}`));
  const [before, after] = t.text("page_says").split("$WHAT$");
  return [side, before ?? "", h("strong", {}, parts.join(", ")), after ?? ""];
}

/**
 * @param {RunView} view
 * @param {PageState} page
 */
function addressLine(view, { reading }) {
  const address = reading?.address;
  if (!address) return null;
  const lone = reading.servers.every(({ host }) => !host.name);
  return h(
    "div",
    { class: "page-server", "data-key": "address", "data-page-address": true },
    h("p", { class: "page-text" }, ...strong(view.t.text("page_address"), "$ADDRESS$", address)),
    h(
      "div",
      { class: "page-actions" },
      press(view, address, { key: "address", primary: lone && view.run.phase === "idle" }),
    ),
  );
}

/** @param {string} text @param {string} place @param {string} value */
function strong(text, place, value) {
  const [before, after] = text.split(place);
  return [before ?? "", h("strong", {}, plain(value)), after ?? ""];
}

/**
 * The site's own domain, where its page names nothing else.
 *
 * @param {RunView} view
 * @param {PageState} page
 */
function siteLine(view, page) {
  const { site, reading } = page;
  if (!site || pageNamesTarget(page) || view.run.phase !== "idle") return null;
  const text = view.t.text(
    reading === null ? "page_unreadable" : reading.servers.length > 0 ? "page_site_form" : "page_site",
  );
  return h(
    "div",
    { class: "page-server", "data-key": "site", "data-page-site": site },
    h("p", { class: "page-text" }, text),
    h("div", { class: "page-actions" }, press(view, site, { key: "site", primary: true })),
  );
}

/**
 * What was written, field by field, and the way back.
 *
 * @param {RunView} view
 * @param {PageState} page
 * @param {PageServer} server
 */
function changes({ t }, { filled }, server) {
  if (!filled || filled.problem !== null || filled.server !== server.id) return null;
  const { changes: all, undone, kept } = filled;
  if (undone) {
    const left = kept.map((field) => t.text(`ui_${field === "host" ? "server" : field}`));
    return h(
      "div",
      { class: "page-filled", "data-key": "filled", "data-filled": "undone" },
      h("p", { class: "page-good" }, shape("good"), h("span", {}, t.text("page_undone"))),
      left.length > 0 && h("p", { class: "aside" }, t.text("page_kept", { fields: t.list(left) })),
    );
  }
  const moved = all.filter(({ taken, before, after }) => !taken || before !== after);
  return h(
    "div",
    { class: "page-filled", "data-key": "filled", "data-filled": all.every(({ taken }) => taken) ? "done" : "partly" },
    h(
      "p",
      { class: "page-good" },
      shape(all.every(({ taken }) => taken) ? "good" : "warning"),
      h("span", {}, t.text("page_filled")),
    ),
    h("dl", { class: "page-changes" }, ...moved.map((change) => changed(t, change))),
    h("p", { class: "aside" }, t.text("page_unsaved")),
    h(
      "div",
      { class: "page-actions" },
      h(
        "button",
        { type: "button", class: "button", "data-key": "undo", "data-action": "undo-page" },
        t.text("page_undo"),
      ),
    ),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {Change} change
 */
function changed(t, { field, label, before, after, taken }) {
  const own = plain(label);
  const name = own || t.text(`ui_${field === "host" ? "server" : field}`);
  return h(
    "div",
    { "data-key": field, "data-changed": field, "data-taken": String(taken) },
    // The page's words are in the page's language, whichever that is.
    h("dt", { lang: own ? "" : null }, name),
    h(
      "dd",
      {},
      h("del", {}, ticked(t, field, before)),
      h("span", { "aria-hidden": "true" }, " → "),
      h("ins", {}, ticked(t, field, after)),
      !taken && h("span", { class: "page-refused" }, ` ${t.text("page_not_taken")}`),
    ),
  );
}

/**
 * @param {RunView["t"]} t
 * @param {Change["field"]} field
 * @param {string} text  of a check box: `on` or nothing
 */
function ticked(t, field, text) {
  if (field === "security" && (text === "on" || text === "")) return t.text(text ? "page_ticked" : "page_unticked");
  return plain(text) || t.text("page_nothing");
}

/**
 * Why nothing was written, in one sentence.
 *
 * @param {RunView} view
 * @param {PageState} page
 */
function outcome({ t }, { filled }) {
  if (!filled || filled.problem === null) return null;
  return h(
    "p",
    { class: "page-problem", "data-key": "problem", "data-page-problem": filled.problem, role: "alert" },
    shape("warning"),
    h("span", {}, t.text(`page_problem_${filled.problem}`)),
    filled.problem === "changed" &&
      h("button", { type: "button", class: "button small", "data-action": "read-page" }, t.text("page_read_again")),
  );
}
