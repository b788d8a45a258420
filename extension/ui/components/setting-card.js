import { plain } from "../../core/catalogue.js";
import { accountSection, programFields, programRemarks, programSupports } from "../../core/mail-programs.js";
import { copyButton } from "./copy-button.js";
import { h } from "./dom.js";
import { shape } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").Setting} Setting */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * One line of a card.
 *
 * @typedef {{key: string, name: string, text: string, copy: boolean, aside?: string | null}} Line
 */

/** An address as it was typed, perhaps as a URL: the whole of it, and the part before the last @. */
const ADDRESS = /^\s*(?:mailto:)?(([^\s?]+)@[^\s@?]+)/i;

/** The general words for what a program may call otherwise. */
const GENERAL = { section: "", host: "ui_server", port: "ui_port", security: "ui_security", username: "ui_user" };

/** @param {Setting} entry */
export const settingHandles = ({ host, port, security, verified }) => ({
  "data-host": host,
  "data-port": port,
  "data-security": security,
  "data-verified": String(verified),
});

/**
 * @param {RunView} view
 * @param {Setting} entry
 */
export const verifiedMark = ({ t }, { verified }) => [
  shape(verified ? "good" : "unknown"),
  h("span", {}, t.text(verified ? "ui_verified" : "ui_unverified")),
];

/**
 * @param {RunView} view
 * @param {Setting} entry
 * @param {ReadonlySet<string>} [made]  remarks that need not be made again
 */
export function settingCard(view, entry, made) {
  const { protocol, host, port, security, verified } = entry;
  const { t, program } = view;
  const part = program && programSupports(program, entry) && accountSection(program, entry, t.language);
  return h(
    "div",
    { class: "setting", "data-key": `${protocol} ${host} ${port} ${security}`, ...settingHandles(entry) },
    h(
      "p",
      { class: "setting-head" },
      h("span", { class: "protocol" }, t.text(`protocol_${protocol}`), part && h("span", { class: "part" }, part)),
      h("span", { class: "verified", "data-tone": verified ? "good" : "plain" }, ...verifiedMark(view, entry)),
    ),
    settingValues(view, entry, made),
  );
}

/**
 * Settings without encryption are shown as evidence: nothing of them can be copied.
 *
 * @param {RunView} view
 * @param {Setting} entry
 * @param {ReadonlySet<string>} [made]
 */
export function settingValues(view, entry, made) {
  const { t, program } = view;
  const encrypted = entry.security !== "none";
  const fitting = program && programSupports(program, entry) ? program : null;
  const lines = fitting ? inItsWords(view, fitting, entry) : inGeneral(view, entry);
  if (encrypted && entry.auth.length > 0) lines.push(signIn(view, entry));
  // The host calls every target typed; who typed it is known here.
  const source = entry.source === "typed" && view.run.origin === "page" ? "page" : entry.source;
  lines.push({ key: "source", name: t.text("ui_source"), text: t.word("source", source), copy: false });
  return h(
    "div",
    { "data-key": "values" },
    h("dl", { class: "values" }, ...lines.map((one) => line(view, one))),
    encrypted &&
      remarkList(
        (entry.remarks ?? []).map((remark) => t.word("remark", remark)),
        "known",
      ),
    !encrypted && h("p", { class: "unsafe" }, shape("warning"), t.text("ui_no_sign_in")),
    fitting && remarkList(programRemarks(fitting, entry, t.language).filter((remark) => !made?.has(remark))),
    program && encrypted && !fitting && remarkList([t.text("ui_words_unfit")]),
  );
}

/**
 * What to know before the words are used.
 *
 * @param {readonly string[]} texts
 * @param {string} [key]
 */
export const remarkList = (texts, key = "remarks") =>
  texts.length > 0 &&
  h("ul", { class: "remarks", "data-key": key }, ...texts.map((text) => h("li", {}, shape("note"), text)));

/**
 * @param {RunView} view
 * @param {Setting} entry
 * @returns {Line[]}
 */
function inGeneral(view, entry) {
  const { t } = view;
  const { host, port, security } = entry;
  const copy = security !== "none";
  const user = userName(view, entry);
  const name = t.text(user.usual ? "ui_user_usual" : "ui_user");
  return [
    { key: "host", name: t.text("ui_server"), text: host, copy },
    { key: "port", name: t.text("ui_port"), text: String(port), copy },
    { key: "security", name: t.text("ui_security"), text: t.word("security", security), copy },
    ...(copy ? [{ key: "username", name, text: user.text, copy: user.copy }] : []),
  ];
}

/**
 * @param {RunView} view
 * @param {NonNullable<RunView["program"]>} program  can use the setting
 * @param {Setting} entry
 * @returns {Line[]}
 */
function inItsWords(view, program, entry) {
  const { t } = view;
  const user = userName(view, entry);
  return programFields(program, entry, t.language, user.text).map(({ field, label, value }) => ({
    key: field,
    name: label ?? t.text(GENERAL[field]),
    text: value,
    copy: field !== "username" || user.copy,
    aside: field === "username" && user.usual ? t.text("ui_usual") : null,
  }));
}

/**
 * @param {RunView} view
 * @param {Setting} entry
 * @returns {{text: string, copy: boolean, usual: boolean}}  `usual`: its form is not known
 */
function userName({ t, run }, { username, remarks: known }) {
  if (known?.includes("own-name")) return { text: t.text("username_own"), copy: false, usual: false };
  const [, address, localPart] = ADDRESS.exec(run.report?.target.input ?? run.target) ?? [];
  const text = username === "local-part" ? localPart : address;
  if (!text) return { text: t.word("username", username), copy: false, usual: false };
  return { text, copy: true, usual: username === "unknown" };
}

/**
 * @param {RunView} view
 * @param {Setting} entry
 * @returns {Line}
 */
const signIn = ({ t }, { auth }) => ({
  key: "sign-in",
  name: t.text("ui_sign_in"),
  text: t.list(auth.map((method) => t.word("auth", method))),
  copy: false,
});

/**
 * @param {RunView} view
 * @param {Line} line
 */
function line(view, { key, name, text, copy, aside }) {
  const shown = plain(text);
  return h(
    "div",
    { class: "value", "data-key": key },
    h("dt", {}, name),
    h(
      "dd",
      {},
      h(
        "span",
        { class: "what" },
        h("span", { class: "text" }, shown),
        aside && " ",
        aside && h("span", { class: "aside" }, aside),
      ),
      copy && copyButton(view, shown, name),
    ),
  );
}
