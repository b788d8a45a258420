import { DISCONNECTED } from "../../core/link-state.js";
import { programById } from "../../core/mail-programs.js";
import { effective, PREFERENCES } from "../../core/preferences.js";
import { IDLE_RUN } from "../../core/run.js";
import { withoutPath } from "../../core/target-in-text.js";
import { catalogueFor, loadPrograms } from "../../platform/bundled-files.js";
import { followHistory, readHistory } from "../../platform/history-access.js";
import { readManaged, watchManaged } from "../../platform/managed-storage.js";
import { h, morph } from "../components/dom.js";
import { USUAL_TICKET } from "../components/ticket-section.js";
import { AddressedRun } from "../state/addressed-run.js";
import { BackgroundConnection } from "../state/background-connection.js";
import { followBackground } from "../state/background-state.js";
import { boundTab, followPage } from "../state/bound-tab.js";
import { isPrivateWindow } from "../state/private-window.js";
import { thisBrowser } from "../state/this-browser.js";
import { RunActions } from "./run-actions.js";
import { runScreen } from "./run-screen.js";

/** @typedef {import("../../core/background-messages.js").BackgroundState} BackgroundState */
/** @typedef {import("../../core/managed-settings.js").Managed} Managed */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * What was put into the field, and who named it; where it stands there still, nobody has typed another.
 *
 * @typedef {Pick<RunView["run"], "target" | "origin">} Proposed
 */

const CHOICES = [...PREFERENCES, "welcomed"];

/**
 * @param {Record<string, unknown>} local  what local storage holds under CHOICES
 * @param {Record<string, unknown>} managed
 */
const chosenIn = (local, managed) => ({
  preferences: effective(local, managed),
  welcomed: local["welcomed"] === true,
});

/**
 * What of the background's state a page may show: a past run keeps its page, a private one its window.
 *
 * @param {BackgroundState} state
 * @param {RunView["run"] | null} pastRun
 * @param {boolean} inPrivateWindow
 */
const visible = ({ link, run, unkept }, pastRun, inPrivateWindow) =>
  pastRun
    ? { link: DISCONNECTED, run: pastRun, unkept: null }
    : { link, run: run.private && !inPrivateWindow ? IDLE_RUN : run, unkept };

/** The page's `<main>`, drawn anew whenever something changes. */
export class RunPage {
  /** @type {RunView} */
  view;
  #connection;
  #addressedRun;
  #root = /** @type {HTMLElement} */ (document.querySelector("main"));
  #announcer = h("p", { class: "visually-hidden", role: "status" });
  #actions = new RunActions(this);
  /** @type {Proposed} */
  #proposed = { target: "", origin: "typed" };
  /** Nothing moves between the press of a button and its release. */
  #pressed = false;
  #begun = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #clock;

  /**
   * @param {RunView} view
   * @param {BackgroundConnection} connection
   * @param {AddressedRun} addressedRun
   */
  constructor(view, connection, addressedRun) {
    this.view = view;
    this.#connection = connection;
    this.#addressedRun = addressedRun;
  }

  begin() {
    this.#root.after(this.#announcer);
    this.update({});
    this.#begun = true;
    this.#propose(this.view.run);
    this.#field.focus();
    this.#field.select();
    this.#listen();
  }

  /** @param {import("../state/background-connection.js").BackgroundRequest} asked */
  send(asked) {
    return this.#connection.send(asked);
  }

  /** @param {string} text  for those who hear the page */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /** @param {Partial<RunView>} changes */
  update(changes) {
    this.view = { ...this.view, ...changes };
    if (this.#pressed) return;
    const { run, t, inTab } = this.view;
    const running = run.phase === "running";
    this.#connection.showsRunning(running);
    if (running) this.#clock ??= setInterval(() => this.update({}), 1000);
    else this.#clock = clearInterval(this.#clock) ?? undefined;
    document.documentElement.lang = t.language;
    document.title = t.text(inTab ? "ui_report_title" : "app_name");
    const focused = this.#root.contains(document.activeElement);
    morph(this.#root, runScreen(this.view));
    // Another window has asked about another target, and nothing was typed here.
    if (this.#begun && run.target !== this.#proposed.target && this.#field.value === this.#proposed.target)
      this.#propose(run);
    if (focused && !this.#root.contains(document.activeElement)) this.#field.focus();
  }

  /**
   * @param {Proposed} proposed
   * @param {string | null} server  the one on the page in the tab that was pressed
   */
  run({ target, origin }, server) {
    this.#propose({ target, origin });
    const { tab, page, inPrivateWindow } = this.view;
    const { token } = page?.reading ?? {};
    // What the run has to do with the page in the tab: its settings may be written there.
    const bond = tab !== null && token ? { tab, token, server } : null;
    this.send({ type: "run", target, private: inPrivateWindow, origin, page: bond });
  }

  /** @param {Partial<RunView>} changes  with a new list of choices */
  chosen(changes) {
    this.update(changes);
    // A list in which a choice was made once no longer follows its markup.
    const list = /** @type {HTMLSelectElement | null} */ (this.#root.querySelector("[data-action=program]"));
    if (list) list.value = this.view.program?.id ?? "";
  }

  get #field() {
    return /** @type {HTMLInputElement} */ (this.#root.querySelector("#target"));
  }

  /** @param {Proposed} proposed */
  #propose({ target, origin }) {
    this.#proposed = { target, origin };
    this.#field.value = target;
  }

  #listen() {
    this.#root.addEventListener("pointerdown", () => (this.#pressed = true));
    for (const type of ["pointerup", "pointercancel", "blur"]) window.addEventListener(type, () => this.#released());
    this.#root.addEventListener("click", ({ target, detail }) => {
      const button = target instanceof Element ? target.closest("button") : null;
      // The second click of a double click on "Test" meets the button that has taken its place.
      if (button && detail <= 1) this.#actions.press(button);
    });
    this.#root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#root.addEventListener("input", ({ target }) => {
      if (target === this.#field && this.view.emptyRefused) this.update({ emptyRefused: false });
    });
    this.#root.addEventListener("focusin", ({ target }) => {
      if (this.view.inTab && target === this.#field) this.send({ type: "warm" });
    });
    this.#root.addEventListener("change", ({ target }) => this.#change(target));
  }

  #released() {
    if (!this.#pressed) return;
    this.#pressed = false;
    // The click comes after the release.
    setTimeout(() => this.update({}));
  }

  #submit() {
    const target = withoutPath(this.#field.value.trim());
    // Before anything is drawn, which may put another target into the field. Text that a page put there stays the
    // page's until somebody changes it.
    const origin = target === this.#proposed.target ? this.#proposed.origin : "typed";
    this.update({ emptyRefused: target === "" });
    if (target === "") return;
    const { run } = this.view;
    if (run.phase === "done") this.#addressedRun.release();
    this.run({ target, origin }, origin === "page" ? (run.page?.server ?? null) : null);
  }

  /** @param {EventTarget | null} control */
  #change(control) {
    const { ticket } = this.view;
    if (control instanceof HTMLInputElement && control.dataset["action"] === "ticket-kept") {
      const changed = { [control.dataset["kind"] ?? ""]: control.checked };
      this.update({ ticket: { ...ticket, kept: { ...ticket.kept, ...changed } } });
    }
    if (!(control instanceof HTMLSelectElement)) return;
    const action = control.dataset["action"] ?? "";
    if (action !== "ticket-form") {
      this.#actions.choose({ [action]: control.value }, control);
      return;
    }
    this.update({ ticket: { form: /** @type {RunView["ticket"]["form"]} */ (control.value), kept: {} } });
    for (const box of this.#root.querySelectorAll("[data-action=ticket-kept]")) {
      if (box instanceof HTMLInputElement) box.checked = box.hasAttribute("checked");
    }
  }
}

/**
 * Shows the run that the background keeps, in the page's `<main>`, and follows what is stored.
 *
 * @param {{inTab: boolean}} options
 */
export async function showRunPage({ inTab }) {
  const connection = new BackgroundConnection(!inTab);
  const addressedRun = new AddressedRun();
  const choices = Promise.all([chrome.storage.local.get(CHOICES), readManaged()]);
  const tabAsked = boundTab(inTab);
  /** What the background has said while this page was not ready. @type {BackgroundState | null} */
  let news = null;
  /** @type {RunPage | null} */
  let runPage = null;
  const [[local, managed], pastRuns, t, environment, programs, state, tab, inPrivateWindow, pastRun] =
    await Promise.all([
      choices,
      readHistory(),
      choices.then(([chosen, fixed]) => catalogueFor(effective(chosen, fixed).language.value)),
      thisBrowser(),
      loadPrograms(),
      followBackground(async (state) => {
        news = state;
        if (runPage) runPage.update(visible(state, await addressedRun.run, runPage.view.inPrivateWindow));
      }),
      tabAsked,
      tabAsked.then(isPrivateWindow),
      addressedRun.run,
    ]);
  const chosen = chosenIn(local, managed);
  const view = {
    ...visible(news ?? state, pastRun, inPrivateWindow),
    ...chosen,
    ...{ pastRuns, t, environment, inTab, programs, inPrivateWindow, tab, ticket: USUAL_TICKET },
    program: programById(programs, chosen.preferences.program.value),
    ...{ lastExport: null, copied: null, page: null },
    ...{ choiceRefused: false, emptyRefused: false },
  };
  runPage = new RunPage(view, connection, addressedRun);
  runPage.begin();
  addressedRun.retell(pastRun, (run) => runPage.update({ run }));
  if (tab !== null) showPage(runPage, tab);
  followChoices(runPage, managed);
  followHistory(async () => runPage.update({ pastRuns: await readHistory() }));
}

/**
 * A bound report shows what was read at the click; the popup was opened by a click of its own, and reads now.
 *
 * @param {RunPage} runPage
 * @param {number} tab
 */
function showPage(runPage, tab) {
  const show = followPage(tab, (page) => runPage.update({ page }));
  if (runPage.view.inTab) show();
  else runPage.send({ type: "page", act: "read", tab }).then(show);
}

/**
 * @param {RunPage} runPage
 * @param {Managed} fixed  what the administrator has chosen, as far as it is known
 */
function followChoices(runPage, fixed) {
  let managed = fixed;
  chrome.storage.local.onChanged.addListener(async (changes) => {
    if (!CHOICES.some((key) => key in changes)) return;
    const next = chosenIn(await chrome.storage.local.get(CHOICES), managed);
    runPage.update(next);
    const { language, program } = changes;
    if (program) runPage.chosen({ program: programById(runPage.view.programs, next.preferences.program.value) });
    if (language) runPage.update({ t: await catalogueFor(next.preferences.language.value) });
  });
  // It may come late on a first run, and change while the page is open.
  watchManaged(async (now) => {
    if (JSON.stringify(now) === JSON.stringify(managed)) return;
    managed = now;
    const next = chosenIn(await chrome.storage.local.get(CHOICES), managed);
    const { language, program } = next.preferences;
    runPage.update({
      ...next,
      program: programById(runPage.view.programs, program.value),
      t: await catalogueFor(language.value),
    });
  });
}
