import { browserName } from "../shared/browsers.js";
import { DISCONNECTED } from "../shared/link-state.js";
import { followKept, readPast, readReport, toldAnew } from "../shared/kept.js";
import { read, watch } from "../shared/managed.js";
import { effective, PREFERENCES } from "../shared/preferences.js";
import { byId, load } from "../shared/programs.js";
import { IDLE } from "../shared/run.js";
import { catalogueFor, isPrivate } from "./catalogues.js";
import { h, morph } from "./dom.js";
import { done } from "./handover.js";
import { followPage, tabInQuestion } from "./page-state.js";
import { save } from "./save.js";
import { screen } from "./screen.js";
import { storeChoice } from "./store-choice.js";
import { follow } from "./stored.js";
import { ticketFile, USUAL } from "./ticket.js";

/** @typedef {import("../background/controller.js").Command} Command */
/** @typedef {import("../background/controller.js").Exported} Exported */
/** @typedef {import("../background/controller.js").Wish} Wish */
/** @typedef {import("../background/reader.js").PageWish} PageWish */
/** @typedef {import("./handover.js").Handed} Handed */
/** @typedef {import("./screen.js").View} View */

const COPIED_MS = 2000;

/** The background went away before it answered. @type {Exported} */
const LOST = { problem: "host", message: null };

async function whereAmI() {
  const { os } = await chrome.runtime.getPlatformInfo();
  // Client hints are not in the standard library's types.
  const { userAgentData } = /** @type {Navigator & {userAgentData?: {brands: {brand: string}[]}}} */ (navigator);
  const { getBrowserInfo } = /** @type {{getBrowserInfo?: () => Promise<{name: string}>}} */ (
    /** @type {unknown} */ (chrome.runtime)
  );
  const product = (await getBrowserInfo?.())?.name;
  return { os, browser: browserName(userAgentData?.brands.map(({ brand }) => brand) ?? [], product) };
}

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
 * The past run that the page's address names, as a run that is done.
 *
 * @returns {Promise<import("../shared/run.js").Run | null>}
 */
async function pinnedRun() {
  const id = new URLSearchParams(location.search).get("past");
  if (id === null) return null;
  const [report, { entries }] = await Promise.all([readReport(id), readPast()]);
  const entry = entries.find((one) => one.id === id);
  if (!report || !entry) return null;
  const origin = report.options?.origin ?? "page";
  return { ...IDLE, id, target: entry.target, phase: "done", report, network: entry.network, origin };
}

/** Before a background that was stopped is brought back. */
const REATTACH_MS = 250;

/**
 * Tells the background that a popup is there, and passes on what the user does. A page that shows a run which is going
 * holds a port: where the background is stopped in the middle, it is brought back, and says that the run has ended.
 *
 * @param {boolean} isPopup  a popup starts the host by being open, a tab only when it is used
 */
function background(isPopup) {
  /** @type {chrome.runtime.Port | null} */
  let presence = null;
  let running = false;
  function attach() {
    if (presence || !(isPopup || running)) return;
    presence = chrome.runtime.connect({ name: isPopup ? "popup" : "reader" });
    // The background may be stopped while nothing goes on; the next command brings it back.
    presence.onDisconnect.addListener(() => {
      presence = null;
      if (running) setTimeout(attach, REATTACH_MS);
    });
  }
  attach();
  return {
    send(/** @type {Command | Wish | PageWish} */ asked) {
      attach();
      return chrome.runtime.sendMessage(asked);
    },
    /** @param {boolean} going  whether the page shows a run that is going */
    minds(going) {
      running = going;
      if (going) {
        attach();
      } else if (!isPopup) {
        presence?.disconnect();
        presence = null;
      }
    },
  };
}

/** @param {string} text */
const toClipboard = (text) =>
  navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );

/**
 * Shows the run that the background keeps, in the page's `<main>`.
 *
 * @param {{inTab: boolean}} options
 */
export async function mount({ inTab }) {
  const { send, minds } = background(!inTab);
  const known = Promise.all([chrome.storage.local.get(CHOICES), read()]);
  const kept = readPast();
  let pinned = pinnedRun();
  const tabAsked = tabInQuestion(inTab);
  /** What the background has said while this page was not ready. @type {import("./stored.js").Stored | null} */
  let news = null;
  let ready = false;
  const [[local, fixed], past, t, place, programs, state, tab, privately, pinnedTo] = await Promise.all([
    known,
    kept,
    known.then(([chosen, fixed]) => catalogueFor(effective(chosen, fixed).language.value)),
    whereAmI(),
    load(),
    follow(async (state) => {
      news = state;
      if (ready) update(shown(state, await pinned));
    }),
    tabAsked,
    tabAsked.then(isPrivate),
    pinned,
  ]);

  let managed = fixed;

  /**
   * What of the background's state this page may show: a past run keeps its page, a private one its window.
   *
   * @param {Pick<View, "link" | "run" | "unkept">} state
   * @param {View["run"] | null} pinnedTo
   */
  const shown = ({ link, run, unkept }, pinnedTo) =>
    pinnedTo
      ? { link: DISCONNECTED, run: pinnedTo, unkept: null }
      : { link, run: run.private && !privately ? IDLE : run, unkept };

  /** @type {View} */
  let view = {
    ...shown(news ?? state, pinnedTo),
    ...chosenIn(local, managed),
    ...{ past, t, place, inTab, programs, privately, ticket: USUAL },
    program: byId(programs, effective(local, managed).program.value),
    handed: null,
    copied: null,
    choiceRefused: false,
    tab,
    page: null,
    emptyRefused: false,
  };
  const root = /** @type {HTMLElement} */ (document.querySelector("main"));
  const announcer = h("p", { class: "visually-hidden", role: "status" });
  root.after(announcer);
  const field = () => /** @type {HTMLInputElement} */ (root.querySelector("#target"));
  /**
   * What was put into the field, and who named it; where it stands there still, nobody has typed another.
   *
   * @type {Pick<View["run"], "target" | "origin">}
   */
  let proposed = { target: "", origin: "typed" };
  /** @param {typeof proposed} run */
  function propose({ target, origin }) {
    proposed = { target, origin };
    field().value = target;
  }

  /** Nothing moves between the press of a button and its release. */
  let pressed = false;
  root.addEventListener("pointerdown", () => (pressed = true));
  for (const type of ["pointerup", "pointercancel", "blur"]) {
    window.addEventListener(type, () => {
      if (!pressed) return;
      pressed = false;
      // The click comes after the release.
      setTimeout(() => update({}));
    });
  }

  /** @type {ReturnType<typeof setInterval> | undefined} */
  let clock;

  /** @param {Partial<View>} changes */
  function update(changes) {
    view = { ...view, ...changes };
    if (pressed) return;
    const running = view.run.phase === "running";
    minds(running);
    if (running) clock ??= setInterval(() => update({}), 1000);
    else clock = clearInterval(clock) ?? undefined;
    document.documentElement.lang = view.t.language;
    document.title = view.t.text(inTab ? "ui_report_title" : "app_name");
    const focused = root.contains(document.activeElement);
    morph(root, screen(view));
    // Another window has asked about another target, and nothing was typed here.
    if (ready && view.run.target !== proposed.target && field().value === proposed.target) propose(view.run);
    if (focused && !root.contains(document.activeElement)) field().focus();
  }
  ready = true;
  update({});
  if (pinnedTo?.id && pinnedTo.report && !pinnedTo.report.told) {
    const { id, report } = pinnedTo;
    toldAnew(id, report).then(async (told) => {
      if ((await pinned)?.id !== id) return;
      const run = { ...pinnedTo, report: told };
      pinned = Promise.resolve(run);
      update({ run });
    });
  }

  if (tab !== null) {
    const showPage = followPage(tab, (page) => update({ page }));
    // A bound report shows what was read at the click; the popup was opened by a click of its own, and reads now.
    if (inTab) showPage();
    else send({ type: "page", act: "read", tab }).then(showPage);
  }

  propose(view.run);
  field().focus();
  field().select();

  chrome.storage.local.onChanged.addListener(async (changes) => {
    if (!CHOICES.some((key) => key in changes)) return;
    const next = chosenIn(await chrome.storage.local.get(CHOICES), managed);
    update(next);
    const { language, program } = changes;
    if (program) {
      update({ program: byId(programs, next.preferences.program.value) });
      // A list in which a choice was made once no longer follows its markup.
      const list = /** @type {HTMLSelectElement | null} */ (root.querySelector("[data-action=program]"));
      if (list) list.value = view.program?.id ?? "";
    }
    if (language) update({ t: await catalogueFor(next.preferences.language.value) });
  });

  followKept(async () => update({ past: await readPast() }));

  // It may come late on a first run, and change while the page is open.
  watch(async (now) => {
    if (JSON.stringify(now) === JSON.stringify(managed)) return;
    managed = now;
    const next = chosenIn(await chrome.storage.local.get(CHOICES), managed);
    const { language, program } = next.preferences;
    update({ ...next, program: byId(programs, program.value), t: await catalogueFor(language.value) });
  });

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let copiedTimer;

  /**
   * @param {string} text
   * @param {string} what
   */
  async function copy(text, what) {
    const taken = await toClipboard(text);
    announcer.textContent = taken ? view.t.text("ui_copied", { what }) : view.t.text("ui_copy_failed");
    update({ copied: taken ? `${what}\n${text}` : null });
    clearTimeout(copiedTimer);
    copiedTimer = setTimeout(() => {
      announcer.textContent = "";
      update({ copied: null });
    }, COPIED_MS);
  }

  /**
   * @param {Handed["format"]} format
   * @param {boolean} copied  to the clipboard, in place of a file
   */
  async function handOver(format, copied) {
    if (view.handed?.phase === "making") return;
    const { id: run, target } = view.run;
    /** @type {Handed} */
    let handed = { run, format, phase: "making", name: target, problem: null, message: null };
    update({ handed });
    /** @type {Exported} */
    const made = (await send({ type: "export", format, language: view.t.language }).catch(() => null)) ?? LOST;
    if (made.problem) {
      handed = { ...handed, ...made, phase: "failed" };
    } else if (!copied) {
      save(made);
      handed = { ...handed, name: made.name, phase: "saved" };
    } else {
      const taken = await toClipboard(made.data);
      handed = { ...handed, phase: taken ? "copied" : "failed", problem: taken ? null : "clipboard" };
    }
    announcer.textContent = handed.problem ? "" : done(view.t, handed);
    update({ handed });
  }

  /**
   * @param {Record<string, unknown>} choice
   * @param {HTMLSelectElement} [list]  where it was made
   */
  async function choose(choice, list) {
    const choiceRefused = !(await storeChoice(choice, list));
    update({ choiceRefused });
  }

  /** @type {Record<string, (data: DOMStringMap) => void>} */
  const actions = {
    stop: () => send({ type: "stop" }),
    warm: () => send({ type: "warm" }),
    copy: (data) => copy(data["copy"] ?? "", data["what"] ?? ""),
    export: ({ format }) => handOver(/** @type {Handed["format"]} */ (format), false),
    "export-copy": ({ format }) => handOver(/** @type {Handed["format"]} */ (format), true),
    "copy-report": () => copy(JSON.stringify(view.run.report, null, 2), view.t.text("ui_report")),
    "ticket-save": () => save(ticketFile(view)),
    welcome: () => choose({ welcomed: true }),
    print: () => window.print(),
    "open-tab"() {
      const bound = view.page?.reading?.servers.length ? `?tab=${tab}` : "";
      chrome.tabs.create({ url: chrome.runtime.getURL(`report/report.html${bound}`) });
      window.close();
    },
    "test-page": ({ target = "", server = null }) => {
      propose({ target, origin: "page" });
      send({ type: "run", target, private: privately, origin: "page", page: bond(server) });
    },
    "fill-page": ({ server = "", toHost = "", toPort, toSecurity }) => {
      const security = toSecurity === "tls" ? "tls" : "starttls";
      if (tab !== null) send({ type: "page", act: "fill", tab, server, wanted: { host: toHost, port: Number(toPort), security } });
    },
    "undo-page": () => tab !== null && send({ type: "page", act: "undo", tab }),
    "read-page": () => tab !== null && send({ type: "page", act: "read", tab }),
  };

  /**
   * What a run has to do with the page in the tab: its settings may be written there.
   *
   * @param {string | null} server  the one that was pressed
   */
  function bond(server) {
    const { token } = view.page?.reading ?? {};
    return tab !== null && token ? { tab, token, server } : null;
  }

  /** Text that a page put into the field stays the page's until somebody changes it. @param {string} target */
  const originOf = (target) => (target === proposed.target ? proposed.origin : "typed");

  root.addEventListener("click", ({ target, detail }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    // The second click of a double click on "Test" meets the button that has taken its place.
    if (button && detail <= 1) actions[button.dataset["action"] ?? ""]?.(button.dataset);
  });

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const target = field().value.trim();
    // Before anything is drawn, which may put another target into the field.
    const origin = originOf(target);
    update({ emptyRefused: target === "" });
    if (target === "") return;
    if (view.run.phase === "done") unpin();
    const server = origin === "page" ? (view.run.page?.server ?? null) : null;
    propose({ target, origin });
    send({ type: "run", target, private: privately, origin, page: bond(server) });
  });

  /** The page of a past run becomes that of the next. */
  function unpin() {
    pinned = Promise.resolve(null);
    if (location.search) history.replaceState(null, "", location.pathname);
  }

  root.addEventListener("input", ({ target }) => {
    if (target === field() && view.emptyRefused) update({ emptyRefused: false });
  });

  root.addEventListener("focusin", ({ target }) => {
    if (inTab && target === field()) send({ type: "warm" });
  });

  root.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement && target.dataset["action"] === "ticket-kept") {
      const changed = { [target.dataset["kind"] ?? ""]: target.checked };
      update({ ticket: { ...view.ticket, kept: { ...view.ticket.kept, ...changed } } });
    }
    if (!(target instanceof HTMLSelectElement)) return;
    const action = target.dataset["action"] ?? "";
    if (action === "ticket-form") {
      update({ ticket: { form: /** @type {View["ticket"]["form"]} */ (target.value), kept: {} } });
      for (const box of root.querySelectorAll("[data-action=ticket-kept]")) {
        if (box instanceof HTMLInputElement) box.checked = box.hasAttribute("checked");
      }
      return;
    }
    // Each other list is named as what it chooses is stored.
    choose({ [action]: target.value }, target);
  });
}
