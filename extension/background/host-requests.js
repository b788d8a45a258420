import { withoutEvidence } from "../core/export-formats.js";

/** @typedef {import("../core/background-messages.js").ExportFailure} ExportFailure */
/** @typedef {import("../core/background-messages.js").ExportedFile} ExportedFile */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */
/** @typedef {import("../types/messages.d.ts").ExplainMessage} ExplainMessage */
/** @typedef {import("../types/messages.d.ts").ExportMessage} ExportMessage */
/** @typedef {import("../types/messages.d.ts").HostMessage} HostMessage */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("./host-link.js").HostLink} HostLink */

/**
 * @typedef {ExportMessage | ExplainMessage} Question
 * @typedef {{question: Question, posted: boolean, settle: (answer: HostMessage | ExportFailure) => void}} Waiting
 */

/** How long an answer may take, the start of the host included. */
export const ANSWER_MS = 20_000;

/** A host that does not know a question says so of the message's type. */
const UNKNOWN_TYPE = /^"type" is /;

/** Questions beside the check, each answered once. */
export class HostRequests {
  #link;
  #newId;
  /** @type {Map<string, Waiting>} */
  #waiting = new Map();

  /**
   * @param {HostLink} link
   * @param {() => string} newId
   */
  constructor(link, newId) {
    this.#link = link;
    this.#newId = newId;
  }

  /** Whether somebody waits for an answer. */
  get waiting() {
    return this.#waiting.size > 0;
  }

  /**
   * A file of a report's settings.
   *
   * @param {Report} report
   * @param {ExportMessage["format"]} format
   * @param {ExportMessage["language"]} language
   * @returns {Promise<ExportedFile | ExportFailure>}
   */
  async file(report, format, language) {
    const answer = await this.#ask({
      type: "export",
      id: this.#newId(),
      format,
      language,
      report: withoutEvidence(report),
    });
    if ("problem" in answer) return answer;
    if (answer.type !== "exported") return { problem: "refused", message: null };
    const { name, mime, data } = answer;
    return { name, mime, data };
  }

  /**
   * A report as today's host concludes and tells it; null where that cannot be had.
   *
   * @param {Report} report
   * @returns {Promise<Report | null>}
   */
  async explained(report) {
    const answer = await this.#ask({ type: "explain", id: this.#newId(), report });
    return !("problem" in answer) && answer.type === "report" ? answer.report : null;
  }

  /** @param {LinkState} state */
  linkChanged({ phase }) {
    for (const waiting of [...this.#waiting.values()]) {
      if (phase === "ready") this.#post(waiting);
      if (phase === "failed" || phase === "disconnected") waiting.settle({ problem: "host", message: null });
    }
  }

  /**
   * @param {HostMessage} message
   * @returns {boolean} it answered a question
   */
  received(message) {
    const waiting = "id" in message && message.id !== null ? this.#waiting.get(message.id) : undefined;
    if (!waiting) return false;
    if (message.type === "error") {
      const outdated = message.code === "invalid-message" && UNKNOWN_TYPE.test(message.message);
      waiting.settle({ problem: outdated ? "outdated" : "refused", message: message.message });
    } else {
      waiting.settle(message);
    }
    return true;
  }

  /**
   * Starts the host where it is not running.
   *
   * @param {Question} question
   * @returns {Promise<HostMessage | ExportFailure>}
   */
  #ask(question) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ problem: "late", message: null }), ANSWER_MS);
      const settle = (/** @type {HostMessage | ExportFailure} */ answer) => {
        clearTimeout(timer);
        this.#waiting.delete(question.id);
        resolve(answer);
      };
      const waiting = { question, posted: false, settle };
      this.#waiting.set(question.id, waiting);
      this.#link.open();
      this.#post(waiting);
    });
  }

  /** @param {Waiting} waiting */
  #post(waiting) {
    if (!waiting.posted) waiting.posted = this.#link.post(waiting.question);
  }
}
