import { DISCONNECTED, transition } from "../core/link-state.js";

/** @typedef {import("../core/link-state.js").LinkEvent} LinkEvent */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */
/** @typedef {import("../types/messages.d.ts").ExtensionMessage} ExtensionMessage */
/** @typedef {import("../types/messages.d.ts").HostMessage} HostMessage */

/**
 * The part of `runtime.Port` that is used; Firefox puts the reason of a disconnection on the port.
 *
 * @typedef {object} NativePort
 * @property {(message: ExtensionMessage) => void} postMessage
 * @property {() => void} disconnect
 * @property {{addListener(listener: (message: any) => void): void}} onMessage
 * @property {{addListener(listener: () => void): void}} onDisconnect
 * @property {{message: string} | null} [error]
 */

/** A cold disk or a virus scanner may hold a first start back for seconds. */
export const HELLO_TIMEOUT_MS = 8000;

/** Owns the native port: at most one is open, and nothing is posted before the host has said hello. */
export class HostLink {
  /** @type {NativePort | null} */
  #port = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #helloTimer;
  #options;

  /** @type {LinkState} */
  state;

  /**
   * @param {object} options
   * @param {LinkState} [options.state]  as it was stored; the port that it spoke of is gone
   * @param {() => NativePort} options.connect
   * @param {() => string | null} options.lastError  the browser's reason while a port is being closed
   * @param {() => boolean} options.inUse  whether somebody waits for an answer
   * @param {(state: LinkState) => void} options.onState
   * @param {(message: HostMessage) => void} options.onMessage
   * @param {number} [options.helloTimeout]  milliseconds
   */
  constructor(options) {
    this.#options = options;
    this.state = options.state?.phase === "failed" ? options.state : DISCONNECTED;
  }

  open() {
    if (this.state.phase === "starting" || this.state.phase === "ready") return;
    this.#step({ type: "open" });
    /** @type {NativePort} */
    let port;
    try {
      port = this.#options.connect();
    } catch (error) {
      this.#step({ type: "lost", text: String(error), inUse: true });
      return;
    }
    this.#port = port;
    port.onMessage.addListener((message) => {
      if (port === this.#port) this.#receive(message);
    });
    port.onDisconnect.addListener(() => {
      // lastError has to be read even for a port that was given up, or the browser logs it as unchecked.
      const text = port.error?.message ?? this.#options.lastError();
      if (port !== this.#port) return;
      this.#port = null;
      this.#step({ type: "lost", text, inUse: this.#options.inUse() });
    });
    this.#helloTimer = setTimeout(
      () => this.#step({ type: "silence" }),
      this.#options.helloTimeout ?? HELLO_TIMEOUT_MS,
    );
  }

  /**
   * @param {ExtensionMessage} message
   * @returns {boolean} false: there is no host to take it
   */
  post(message) {
    if (this.state.phase !== "ready" || !this.#port) return false;
    try {
      this.#port.postMessage(message);
      return true;
    } catch (error) {
      this.#step({ type: "lost", text: String(error), inUse: true });
      return false;
    }
  }

  close() {
    this.#step({ type: "close" });
  }

  /** The host speaks the protocol, but is too old to be understood. */
  outdated() {
    this.#step({ type: "outdated" });
  }

  /** @param {unknown} message */
  #receive(message) {
    if (typeof message !== "object" || message === null || !("type" in message)) return;
    if (this.state.phase === "starting") {
      const { type, protocol, version } = /** @type {{type: unknown, protocol?: unknown, version?: unknown}} */ (
        message
      );
      this.#step(type === "hello" ? { type, protocol, version } : { type: "stray" });
      return;
    }
    this.#options.onMessage(/** @type {HostMessage} */ (message));
  }

  /** @param {LinkEvent} event */
  #step(event) {
    const next = transition(this.state, event);
    if (next === this.state) return;
    this.state = next;
    if (next.phase !== "starting") clearTimeout(this.#helloTimer);
    if (next.phase === "failed" || next.phase === "disconnected") {
      const port = this.#port;
      this.#port = null;
      port?.disconnect();
    }
    this.#options.onState(next);
  }
}
