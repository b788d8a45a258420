import { plain, spoken } from "../../core/catalogue.js";
import { probeProgress } from "../../core/endpoint-groups.js";
import { otherFindings } from "../../core/findings.js";
import { headlineOf, messageOf, sentenceOf } from "../../core/report-text.js";
import { runResults } from "../../core/run.js";
import { isVerifiedEncrypted } from "../../core/verified-settings.js";
import { copyButton } from "./copy-button.js";
import { h } from "./dom.js";
import { SEVERITY_SHAPES, shape, spinner } from "./shapes.js";

/** @typedef {import("../../types/messages.d.ts").Report} Report */
/** @typedef {import("../state/view.js").RunView} RunView */

const METER = { certain: 3, likely: 2, possible: 1 };

/**
 * The one sentence: what happens while a run is going, then the verdict. It is the live region.
 *
 * @param {RunView} view
 */
export function verdictCard(view) {
  const { t, run } = view;
  if (run.phase === "done" && run.report) return verdict(view, run.report);
  if (run.phase === "running") return running(view);
  if (run.phase === "stopped") {
    const detail = h("p", { class: "advice" }, t.text("ui_stopped_detail"));
    return card("stopped", shape("stopped"), { text: t.text("ui_stopped") }, detail);
  }
  if (run.failure?.cause === "unkept") return card("failed", shape("bad"), { text: t.text("ui_unkept_lost") });
  if (run.failure) return card("failed", shape("bad"), { text: t.text("ui_failed") }, failure(view, run.failure));
  return card("idle", null, { text: "" });
}

/**
 * @param {RunView} view
 * @param {import("../../core/run.js").Failure} failure
 */
function failure({ t }, { cause, message }) {
  return message === null
    ? h("p", { class: "advice" }, t.text(`ui_failed_${cause}`))
    : h("p", { class: "advice", lang: "en" }, spoken(message));
}

/** @param {RunView} view */
function running({ t, run }) {
  const { done, total } = probeProgress(run.endpoints, runResults(run).observations);
  const target = plain(run.target);
  const name = t.text("ui_progress_label");
  const certain = certainAlready(t, run);
  const left = run.until === null ? null : Math.max(0, Math.ceil((run.until - Date.now()) / 1000));
  return card(
    "running",
    spinner(),
    { text: t.text("ui_running", { target }) },
    h("progress", { class: "progress", "aria-label": name, max: Math.max(total, 1), value: total > 0 ? done : null }),
    h(
      "p",
      { class: "advice counted" },
      total > 0
        ? t.text("ui_progress", { done: t.number(done), total: t.number(total) }, total)
        : t.text("ui_progress_start"),
      left !== null && h("span", { class: "left" }, t.text("ui_left", { seconds: t.number(left) }, left)),
    ),
    h(
      "p",
      { class: "sure-already", "data-key": "sure" },
      certain && shape(certain.sign),
      certain && h("span", {}, certain.text),
    ),
    h("p", { class: "answer-awaited", "data-key": "awaited" }, t.text("ui_answer_awaited")),
  );
}

/**
 * What is certain before the end: a conclusion, or that there is a way to send.
 *
 * @param {RunView["t"]} t
 * @param {RunView["run"]} run
 */
function certainAlready(t, run) {
  const { findings, settings } = runResults(run);
  const [gravest] = otherFindings(
    findings.filter(({ confidence, severity }) => confidence === "certain" && severity !== "note"),
    null,
  );
  if (gravest) return { sign: SEVERITY_SHAPES[gravest.severity], text: sentenceOf(gravest, t) };
  const works = settings.outgoing.find(isVerifiedEncrypted);
  return works
    ? { sign: "good", text: t.text("ui_sends_already", { host: plain(works.host), port: String(works.port) }) }
    : null;
}

/**
 * @param {RunView} view
 * @param {Report} report
 */
function verdict(view, report) {
  const { t } = view;
  const { code, severity, confidence } = report.verdict;
  const { remedy = null, advice = [], party = null, help = [] } = report.told ?? {};
  return card(
    severity,
    shape(code === "unproven" ? "unknown" : SEVERITY_SHAPES[severity]),
    { text: headlineOf(report, t), attributes: { "data-verdict": code, "data-confidence": confidence } },
    remedy && h("p", { class: "use", "data-use": true }, shape("good"), h("span", {}, t.said(remedy))),
    advice.length > 0 && h("p", { class: "advice" }, t.paragraph(advice)),
    hints(view, report),
    h(
      "dl",
      { class: "facts" },
      fact(t.text("ui_confidence"), meter(METER[confidence]), t.text(`confidence_${confidence}`)),
      party && party !== "unclear" && fact(t.text("ui_party"), null, t.text(`party_${party}`)),
    ),
    message(view, report),
    help.includes("port25") &&
      h(
        "a",
        { class: "learn", href: `/help/${t.language}/port25.html`, target: "_blank", rel: "noopener" },
        t.text("ui_learn_port25"),
      ),
  );
}

/**
 * @param {RunView} view
 * @param {Report} report
 */
function hints({ t }, { hints: known, told }) {
  if (known.length === 0 || !told) return null;
  return h(
    "div",
    { class: "hints", role: "note", "data-key": "hints", "aria-labelledby": "hints-title" },
    h("p", { class: "hints-title", id: "hints-title" }, t.text("hint_title")),
    ...told.hints.map((hint, index) => h("p", { "data-hint": known[index]?.kind }, t.said(hint))),
  );
}

/**
 * What to write to those who can mend it.
 *
 * @param {RunView} view
 * @param {Report} report
 */
function message(view, report) {
  const { t } = view;
  const text = messageOf(report, t);
  if (text === null) return null;
  return h(
    "details",
    { class: "tell", "data-key": "tell", "data-tell": true },
    h("summary", {}, t.text("tell_title")),
    h("div", { class: "tell-text" }, h("blockquote", {}, text), copyButton(view, text, t.text("tell_text"))),
  );
}

/**
 * @param {string} name
 * @param {Node | null} sign
 * @param {string} value
 */
const fact = (name, sign, value) => h("div", {}, h("dt", {}, name), h("dd", {}, sign, value));

/** @param {number} level  of three */
const meter = (level) =>
  h(
    "span",
    { class: "meter", "aria-hidden": "true" },
    ...[1, 2, 3].map((step) => h("span", { class: step <= level ? "on" : "off" })),
  );

/**
 * @param {string} tone
 * @param {Node | null} icon
 * @param {{text: string, attributes?: Record<string, string>}} line
 * @param {...(Node | null | false | "" | undefined)} more
 */
function card(tone, icon, line, ...more) {
  return h(
    "section",
    { class: "verdict", "data-key": "verdict", "data-tone": tone, "data-empty": line.text === "" },
    h("div", { class: "verdict-icon", "data-key": "icon" }, icon),
    h("p", { class: "headline", role: "status", "data-key": "headline", ...line.attributes }, line.text),
    h(
      "div",
      { class: "verdict-body", "data-key": `body ${tone === "running" ? tone : "ended"}` },
      ...more.map((node) => (node instanceof Node ? node : null)),
    ),
  );
}
