import { beginRun, failRun, IDLE_RUN, receiveMessage, stopRun } from "../core/run.js";
import { withoutPath } from "../core/target-in-text.js";
import { AwakeTimer } from "./awake-timer.js";
import { CancelledCheck } from "./cancelled-check.js";
import { HostRequests } from "./host-requests.js";
import { IdleClose } from "./idle-close.js";

/** @typedef {import("../core/background-messages.js").ExportRequest} ExportRequest */
/** @typedef {import("../core/background-messages.js").ExportResult} ExportResult */
/** @typedef {import("../core/background-messages.js").RunCommand} RunCommand */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */
/** @typedef {import("../core/run.js").Run} Run */
/** @typedef {import("../types/messages.d.ts").HostMessage} HostMessage */
/** @typedef {import("../types/messages.d.ts").OptionsInput} OptionsInput */
/** @typedef {import("../types/messages.d.ts").Report} Report */
/** @typedef {import("./host-link.js").HostLink} HostLink */

/** What a check may take where nobody says otherwise. */
const BUDGET_S = 30;

/**
 * How long after the end of its budget a check is held to be lost. The host ends each check within its budget, counted
 * from when it has read what it needs, which may take a cold disk or a virus scanner seconds even after its hello.
 */
export const OVERDUE_MS = 10_000;

/** @param {OptionsInput} [options] */
const budgetOf = (options) => (options?.budget ?? BUDGET_S) * 1000;

/**
 * When a check's budget ends, in milliseconds since 1970; null where nobody knows the time.
 *
 * @param {number | undefined} now
 * @param {OptionsInput} [options]
 */
const untilOf = (now, options) => (now === undefined ? null : now + budgetOf(options));

/** What is left of a run that no host has seen: the target waits in the field, in the windows that may show it. */
const unasked = (/** @type {Run} */ { target, origin, page, private: isPrivate }) => ({
  ...IDLE_RUN,
  target,
  origin,
  page,
  private: isPrivate,
});

/**
 * @typedef {object} RunControllerOptions
 * @property {HostLink} link
 * @property {Run} [run]  as it was stored
 * @property {() => string} newId
 * @property {(run: Run) => void} onRun
 * @property {string} [version]  the extension's, which the host is told
 * @property {(run: Run) => void} [onDone]  a run has come to its report
 * @property {() => string | null} [salt]  under which the host may name the network
 * @property {() => number} [now]  milliseconds since 1970
 * @property {number} [linger]  milliseconds
 */

/** The one run, and when the host has to be there for it. */
export class RunController {
  #link;
  #options;
  #requests;
  #idleClose;
  #cancelled = new CancelledCheck(() => this.#cancelledLate());
  /** Until the check that was posted is overdue. */
  #overdueTimer;
  /** While a host that hangs is closed: what waits for it is meant for the next. */
  #renewing = false;
  /** The options of the run that has not been posted yet. @type {OptionsInput | null} */
  #unposted = null;

  /** @param {RunControllerOptions} options */
  constructor(options) {
    this.#options = options;
    this.#link = options.link;
    this.#idleClose = new IdleClose(options.link, () => this.busy, options.linger);
    this.#overdueTimer = new AwakeTimer(options.now ?? (() => 0), () => this.#overdue());
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
        this.#idleClose.begin();
        break;
      case "run":
        this.#cancel();
        this.#set(
          beginRun(this.#options.newId(), withoutPath(command.target), {
            private: command.private === true,
            origin: command.origin === "typed" ? "typed" : "page",
            page: command.page ?? null,
            until: untilOf(this.#options.now?.(), command.options),
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
        this.#idleClose.begin();
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
      this.#idleClose.begin();
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
      this.#idleClose.begin();
    }
  }

  popupOpened() {
    this.#idleClose.popupOpened();
    this.#link.open();
  }

  popupClosed() {
    this.#idleClose.popupClosed();
  }

  /** @param {LinkState} state */
  linkChanged(state) {
    this.#requests.linkChanged(state);
    if (this.#renewing) return;
    if (state.phase === "ready") {
      this.#post();
    } else if (state.phase === "failed" || state.phase === "disconnected") {
      this.#cancelled.end();
      const begun = this.#unposted === null;
      this.#unposted = null;
      // A check that no host ever saw did not fail: it waits in the field for the host to be there.
      if (this.running) this.#set(begun ? failRun(this.run, { cause: "host", message: null }) : unasked(this.run));
    }
  }

  /** @param {HostMessage} message */
  received(message) {
    if (this.#requests.received(message)) return;
    if (this.#cancelled.isEndedBy(message)) {
      this.#cancelled.end();
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
    if (!this.running) this.#idleClose.begin();
  }

  /** Forgets a run of a private window, as the last of these has gone. */
  forgetPrivate() {
    if (!this.run.private) return;
    this.#cancel();
    this.#set(IDLE_RUN);
    this.#idleClose.begin();
  }

  #post() {
    if (!this.running || !this.run.id || !this.#unposted || this.#cancelled.waiting) return;
    const version = this.#options.version;
    const salt = this.run.private ? null : (this.#options.salt?.() ?? null);
    const optional = { ...(version && { version }), ...(salt && { salt }) };
    const message = { type: /** @type {const} */ ("check"), id: this.run.id, target: this.run.target, ...optional };
    const options = this.#unposted;
    if (!this.#link.post({ ...message, options })) return;
    this.#unposted = null;
    this.#overdueTimer.start(budgetOf(options) + OVERDUE_MS);
    // Its budget has not been spent while the host was started, or another check was ended.
    this.#set({ ...this.run, until: untilOf(this.#options.now?.(), options) });
  }

  /** The host hangs, or this check of it. */
  #overdue() {
    this.#cancel();
    this.#cancelled.overdue = this.#cancelled.waiting;
    this.#set(failRun(this.run, { cause: "late", message: null }));
    this.#idleClose.begin();
  }

  #cancel() {
    if (!this.running || !this.run.id) return;
    const posted = this.#unposted === null;
    this.#unposted = null;
    this.#overdueTimer.stop();
    if (!posted || !this.#link.post({ type: "cancel", id: this.run.id })) return;
    this.#cancelled.begin(this.run.id);
  }

  #cancelledLate() {
    if (this.#cancelled.overdue) this.#renew();
    this.#cancelled.end();
    this.#post();
  }

  /** Parts with a host that neither ends a check nor lets it be cancelled. */
  #renew() {
    this.#renewing = true;
    this.#link.close();
    this.#renewing = false;
    if (this.running) this.#link.open();
  }

  /** @param {Run} run */
  #set(run) {
    if (run === this.run) return;
    if (run.phase !== "running") this.#overdueTimer.stop();
    this.run = run;
    this.#options.onRun(run);
  }
}
