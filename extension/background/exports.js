import { slim } from "../shared/handover.js";

/** @typedef {import("./host-link.js").HostLink} HostLink */
/** @typedef {import("../shared/link-state.js").LinkState} LinkState */
/** @typedef {import("../types/messages.d.ts").ExportMessage} ExportMessage */
/** @typedef {import("../types/messages.d.ts").HostMessage} HostMessage */
/** @typedef {import("../types/messages.d.ts").Report} Report */

/**
 * A file, or why there is none: no host, one that does not know files yet, one that refused (in its own words), one
 * that did not answer.
 *
 * @typedef {{name: string, mime: string, data: string, problem?: undefined}} Made
 * @typedef {{problem: "host" | "outdated" | "refused" | "late", message: string | null}} Unmade
 * @typedef {{message: ExportMessage, posted: boolean, settle: (answer: Made | Unmade) => void}} Waiting
 */

/** How long a file may take, the start of the host included. */
export const ANSWER_MS = 20_000;

/** A host that knows no files says so of the message's type. */
const UNKNOWN_TYPE = /^"type" is /;

/** Files that are asked of the host, each answered once. */
export class Exports {
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

  /** Whether somebody waits for a file. */
  get waiting() {
    return this.#waiting.size > 0;
  }

  /**
   * Starts the host where it is not running.
   *
   * @param {Report} report
   * @param {ExportMessage["format"]} format
   * @param {ExportMessage["language"]} language
   * @returns {Promise<Made | Unmade>}
   */
  ask(report, format, language) {
    const id = this.#newId();
    /** @type {ExportMessage} */
    const message = { type: "export", id, format, language, report: slim(report) };
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ problem: "late", message: null }), ANSWER_MS);
      const settle = (/** @type {Made | Unmade} */ answer) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(answer);
      };
      const waiting = { message, posted: false, settle };
      this.#waiting.set(id, waiting);
      this.#link.open();
      this.#post(waiting);
    });
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
   * @returns {boolean} it answered for a file
   */
  received(message) {
    const waiting = "id" in message && message.id !== null ? this.#waiting.get(message.id) : undefined;
    if (!waiting) return false;
    if (message.type === "exported") {
      const { name, mime, data } = message;
      waiting.settle({ name, mime, data });
    } else if (message.type === "error") {
      const outdated = message.code === "invalid-message" && UNKNOWN_TYPE.test(message.message);
      waiting.settle({ problem: outdated ? "outdated" : "refused", message: message.message });
    }
    return true;
  }

  /** @param {Waiting} waiting */
  #post(waiting) {
    if (!waiting.posted) waiting.posted = this.#link.post(waiting.message);
  }
}
