import { problemInBrowserText, problemOfProtocol } from "./host-problems.js";

/** @typedef {import("./host-problems.js").HostProblem} HostProblem */

/**
 * @typedef {object} LinkState
 * @property {"disconnected" | "starting" | "ready" | "failed"} phase
 * @property {HostProblem | null} cause  why it failed; kept while it starts again, so that a screen does not flicker
 * @property {string | null} version  the host's
 * @property {string | null} detail  the browser's own words
 */

/**
 * @typedef {{type: "open"}
 *   | {type: "hello", protocol: unknown, version: unknown}
 *   | {type: "stray"}
 *   | {type: "outdated"}
 *   | {type: "silence"}
 *   | {type: "lost", text: string | null, inUse: boolean}
 *   | {type: "close"}} LinkEvent
 */

/** @type {LinkState} */
export const DISCONNECTED = Object.freeze({ phase: "disconnected", cause: null, version: null, detail: null });

/**
 * @param {HostProblem} cause
 * @param {string | null} [detail]
 * @returns {LinkState}
 */
const failed = (cause, detail = null) => ({ phase: "failed", cause, version: null, detail });

/**
 * The life of the native port, without the port:
 *
 *     disconnected ──open──▶ starting ──hello──▶ ready ──close, lost while unused──▶ disconnected
 *                               │                  │
 *                               └── lost, silence, stray ──▶ failed(cause) ◀── lost in use, outdated
 *                                                              │
 *                                                              └──open──▶ starting (keeps the cause until it is ready)
 *
 * @param {LinkState} state
 * @param {LinkEvent} event
 * @returns {LinkState} the same object where the event means nothing in this state
 */
export function transition(state, event) {
  switch (event.type) {
    case "open":
      if (state.phase === "starting" || state.phase === "ready") return state;
      return { phase: "starting", cause: state.cause, version: null, detail: state.detail };
    case "hello": {
      if (state.phase !== "starting") return state;
      const cause = problemOfProtocol(event.protocol);
      if (cause) return failed(cause);
      return { phase: "ready", cause: null, version: String(event.version), detail: null };
    }
    case "stray":
      return state.phase === "starting" ? failed("host-outdated") : state;
    case "outdated":
      return state.phase === "ready" ? failed("host-outdated") : state;
    case "silence":
      return state.phase === "starting" ? failed("host-crashed") : state;
    case "lost":
      if (state.phase === "starting") return failed(problemInBrowserText(event.text), event.text);
      if (state.phase !== "ready") return state;
      // A host that nobody was using may go: it starts again when it is wanted.
      return event.inUse ? failed(problemInBrowserText(event.text), event.text) : DISCONNECTED;
    case "close":
      return state.phase === "starting" || state.phase === "ready" ? DISCONNECTED : state;
  }
}
