import { beginRun, failRun, IDLE_RUN, isFinalMessage, receiveMessage, stopRun } from "../core/run.js";
import { HostRequests } from "./host-requests.js";

/** @typedef {import("../core/background-messages.js").ExportRequest} ExportRequest */
/** @typedef {import("../core/background-messages.js").ExportResult} ExportResult */
/** @typedef {import("../core/background-messages.js").RunCommand} RunCommand */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */
/** @typedef {import("../core/run.js").Run} Run */
/** @typedef {import("../types/messages.d.ts").HostMessage} HostMessage */
/** @typedef {import("../types/messages.d.ts").OptionsInput} OptionsInput */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("./host-link.js").HostLink} HostLink */

/** How long the host stays after the last popup is gone and no run is going. */
export const LINGER_MS = 15_000;

/** How long a host may take to confirm that a check is cancelled before the next is sent to it all the same. */
export const DRAIN_MS = 1500;

/** What a check may take where nobody says otherwise. */
const BUDGET_S = 30;

/**
 * How long after the end of its budget a check is held to be lost. The host ends each check within its budget, counted
 * from when it has read what it needs, which may take a cold disk or a virus scanner seconds even after its hello.
 */
export const OVERDUE_MS = 10_000;

/** A timer that is later than that has slept with the computer, during which a check goes on as little. */
export const NAP_MS = 2000;

/** @param {OptionsInput} [options] */
const budgetOf = (options) => (options?.budget ?? BUDGET_S) * 1000;

/** What is left of a run that no host has seen: the target waits in the field, in the windows that may show it. */
const unasked = (/** @type {Run} */ { target, origin, page, private: isPrivate }) => ({
  ...IDLE_RUN,
  target,
  origin,
  page,
  private: isPrivate,
});

/** The one run, and when the host has to be there for it. */
export class RunController {
  #link;
  #options;
  #requests;
  #popups = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #lingerTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #drainTimer;
  /** Until the check that was posted is overdue. @type {ReturnType<typeof setTimeout> | undefined} */
  #overdueTimer;
  /** Whether the check that was cancelled was overdue. */
  #hung = false;
  /** While a host that hangs is closed: what waits for it is meant for the next. */
  #renewing = false;
  /** The check that was cancelled and has not ended yet. @type {string | null} */
  #draining = null;
  /** The options of the run that has not been posted yet. @type {OptionsInput | null} */
  #unposted = null;

  /**
   * @param {object} options
   * @param {HostLink} options.link
   * @param {Run} [options.run]  as it was stored
   * @param {() => string} options.newId
   * @param {(run: Run) => void} options.onRun
   * @param {string} [options.version]  the extension's, which the host is told
   * @param {(run: Run) => void} [options.onDone]  a run has come to its report
   * @param {() => string | null} [options.salt]  under which the host may name the network
   * @param {() => number} [options.now]  milliseconds since 1970
   * @param {number} [options.linger]  milliseconds
   */
  constructor(options) {
    this.#options = options;
    this.#link = options.link;
    this.#requests = new HostRequests(options.link, options.newId);
    // A stored run that was going lost its host together with the background that held the port.
    const stored = options.run ?? IDLE_RUN;
    this.run = failRun(stored, { cause: "interrupted", message: null });
  }

  get running() {
    return this.run.phase === "running";
  }

  /** Whether somebody waits for an answer of the host. */
  get busy() {
    return this.running || this.#requests.waiting;
  }

  /** @param {RunCommand} command */
  command(command) {
    switch (command.type) {
      case "warm":
        this.#link.open();
        this.#linger();
        break;
      case "run":
        this.#cancel();
        this.#set(
          beginRun(this.#options.newId(), command.target, {
            private: command.private === true,
            origin: command.origin === "typed" ? "typed" : "page",
            page: command.page ?? null,
            until: this.#until(command.options),
          }),
        );
        // For the host, which cannot know better, a missing origin means that the user typed the target.
        this.#unposted = { ...command.options, ...(this.run.origin === "page" && { origin: this.run.origin }) };
        this.#link.open();
        this.#post();
        break;
      case "stop":
        this.#cancel();
        this.#set(stopRun(this.run));
        this.#linger();
        break;
    }
  }

  /**
   * @param {ExportRequest} wish
   * @returns {Promise<ExportResult>}
   */
  async export({ format, language }) {
    const { report } = this.run;
    if (!report) return { problem: "refused", message: null };
    try {
      return await this.#requests.file(report, format, language);
    } finally {
      this.#linger();
    }
  }

  /**
   * A report that was kept by an earlier version, told as today's host tells it; null where that cannot be had.
   *
   * @param {Report} report
   */
  async explained(report) {
    try {
      return await this.#requests.explained(report);
    } finally {
      this.#linger();
    }
  }

  popupOpened() {
    this.#popups += 1;
    clearTimeout(this.#lingerTimer);
    this.#link.open();
  }

  popupClosed() {
    this.#popups -= 1;
    this.#linger();
  }

  /** @param {LinkState} state */
  linkChanged(state) {
    this.#requests.linkChanged(state);
    if (this.#renewing) return;
    if (state.phase === "ready") {
      this.#post();
    } else if (state.phase === "failed" || state.phase === "disconnected") {
      this.#drained();
      const begun = this.#unposted === null;
      this.#unposted = null;
      // A check that no host ever saw did not fail: it waits in the field for the host to be there.
      if (this.running) this.#set(begun ? failRun(this.run, { cause: "host", message: null }) : unasked(this.run));
    }
  }

  /** @param {HostMessage} message */
  received(message) {
    if (this.#requests.received(message)) return;
    if (isFinalMessage(message) && "id" in message && message.id !== null && message.id === this.#draining) {
      this.#drained();
      this.#post();
    }
    if (message.type === "report" && message.id === this.run.id && !message.report.told) {
      // Nothing of it could be said. The target waits in the field for another host.
      this.#set(unasked(this.run));
      this.#link.outdated();
      return;
    }
    const before = this.run;
    this.#set(receiveMessage(this.run, message));
    if (this.run.phase === "done" && before !== this.run) this.#options.onDone?.(this.run);
    if (!this.running) this.#linger();
  }

  /** Forgets a run of a private window, as the last of these has gone. */
  forgetPrivate() {
    if (!this.run.private) return;
    this.#cancel();
    this.#set(IDLE_RUN);
    this.#linger();
  }

  /** @param {OptionsInput} [options] */
  #until(options) {
    const now = this.#options.now?.();
    return now === undefined ? null : now + budgetOf(options);
  }

  #post() {
    if (!this.running || !this.run.id || !this.#unposted || this.#draining) return;
    const version = this.#options.version;
    const salt = this.run.private ? null : (this.#options.salt?.() ?? null);
    const optional = { ...(version && { version }), ...(salt && { salt }) };
    const message = { type: /** @type {const} */ ("check"), id: this.run.id, target: this.run.target, ...optional };
    const options = this.#unposted;
    if (!this.#link.post({ ...message, options })) return;
    this.#unposted = null;
    this.#await(budgetOf(options) + OVERDUE_MS);
    // Its budget has not been spent while the host was started, or another check was ended.
    this.#set({ ...this.run, until: this.#until(options) });
  }

  /** @param {number} patience  milliseconds */
  #await(patience) {
    const now = this.#options.now ?? (() => 0);
    const due = now() + patience;
    this.#overdueTimer = setTimeout(() => {
      if (now() - due > NAP_MS) this.#await(patience);
      else this.#overdue();
    }, patience);
  }

  /** The host hangs, or this check of it. */
  #overdue() {
    this.#cancel();
    this.#hung = this.#draining !== null;
    this.#set(failRun(this.run, { cause: "late", message: null }));
    this.#linger();
  }

  #cancel() {
    if (!this.running || !this.run.id) return;
    const posted = this.#unposted === null;
    this.#unposted = null;
    clearTimeout(this.#overdueTimer);
    if (!posted || !this.#link.post({ type: "cancel", id: this.run.id })) return;
    this.#draining = this.run.id;
    this.#drainTimer = setTimeout(() => {
      if (this.#hung) this.#renew();
      this.#drained();
      this.#post();
    }, DRAIN_MS);
  }

  /** Parts with a host that neither ends a check nor lets it be cancelled. */
  #renew() {
    this.#renewing = true;
    this.#link.close();
    this.#renewing = false;
    if (this.running) this.#link.open();
  }

  #drained() {
    clearTimeout(this.#drainTimer);
    this.#draining = null;
    this.#hung = false;
  }

  #linger() {
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = setTimeout(() => {
      if (!this.busy && this.#popups === 0) this.#link.close();
    }, this.#options.linger ?? LINGER_MS);
  }

  /** @param {Run} run */
  #set(run) {
    if (run === this.run) return;
    if (run.phase !== "running") clearTimeout(this.#overdueTimer);
    this.run = run;
    this.#options.onRun(run);
  }
}
