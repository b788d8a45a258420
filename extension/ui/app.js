import { browserName } from "../shared/browsers.js";
import { byId, load } from "../shared/programs.js";
import { catalogueFor } from "./catalogues.js";
import { h, morph } from "./dom.js";
import { done } from "./handover.js";
import { followPage, tabInQuestion } from "./page-state.js";
import { save } from "./save.js";
import { screen } from "./screen.js";
import { follow } from "./stored.js";

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
  return { os, browser: browserName(userAgentData?.brands.map(({ brand }) => brand) ?? []) };
}

/** @returns {Promise<{language?: string, program?: string}>} what the user chose on any page */
const chosen = () => chrome.storage.local.get(["language", "program"]);

/**
 * Tells the background that a popup is there, and passes on what the user does.
 *
 * @param {boolean} isPopup  a popup starts the host by being open, a tab only when it is used
 */
function background(isPopup) {
  /** @type {chrome.runtime.Port | null} */
  let presence = null;
  function attach() {
    if (presence || !isPopup) return;
    presence = chrome.runtime.connect({ name: "popup" });
    // The background may be stopped while nothing goes on; the next command brings it back.
    presence.onDisconnect.addListener(() => {
      presence = null;
    });
  }
  attach();
  return (/** @type {Command | Wish | PageWish} */ asked) => {
    attach();
    return chrome.runtime.sendMessage(asked);
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
  const send = background(!inTab);
  const [{ language: choice, program }, place, programs] = await Promise.all([chosen(), whereAmI(), load()]);
  const t = await catalogueFor(choice);
  const state = await follow(({ link, run }) => update({ link, run }));
  /** @type {View} */
  let view = {
    ...state,
    ...{ t, place, choice, inTab, programs },
    program: byId(programs, program),
    handed: null,
    copied: null,
    tab: await tabInQuestion(inTab),
    page: null,
    emptyRefused: false,
  };
  const root = /** @type {HTMLElement} */ (document.querySelector("main"));
  const announcer = h("p", { class: "visually-hidden", role: "status" });
  root.after(announcer);
  const field = () => /** @type {HTMLInputElement} */ (root.querySelector("#target"));

  /** @param {Partial<View>} changes */
  function update(changes) {
    view = { ...view, ...changes };
    document.documentElement.lang = view.t.language;
    document.title = view.t.text(inTab ? "ui_report_title" : "app_name");
    const focused = root.contains(document.activeElement);
    morph(root, screen(view));
    if (focused && !root.contains(document.activeElement)) field().focus();
  }
  update({});

  const { tab } = view;
  if (tab !== null) {
    const showPage = followPage(tab, (page) => update({ page }));
    // A bound report shows what was read at the click; the popup was opened by a click of its own, and reads now.
    if (inTab) showPage();
    else send({ type: "page", act: "read", tab }).then(showPage);
  }

  field().value = view.run.target;
  field().focus();
  field().select();

  chrome.storage.local.onChanged.addListener(async (changes) => {
    const [language, program] = ["language", "program"].map(
      (key) => changes[key] && /** @type {{newValue?: string}} */ (changes[key]),
    );
    if (program) {
      update({ program: byId(programs, program.newValue) });
      // A list in which a choice was made once no longer follows its markup.
      const list = /** @type {HTMLSelectElement | null} */ (root.querySelector("[data-action=program]"));
      if (list) list.value = view.program?.id ?? "";
    }
    if (language) update({ choice: language.newValue, t: await catalogueFor(language.newValue) });
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

  /** @type {Record<string, (data: DOMStringMap) => void>} */
  const actions = {
    stop: () => send({ type: "stop" }),
    warm: () => send({ type: "warm" }),
    copy: (data) => copy(data["copy"] ?? "", data["what"] ?? ""),
    export: ({ format }) => handOver(/** @type {Handed["format"]} */ (format), false),
    "export-copy": ({ format }) => handOver(/** @type {Handed["format"]} */ (format), true),
    "copy-report": () => copy(JSON.stringify(view.run.report, null, 2), view.t.text("ui_report")),
    "open-tab"() {
      const bound = view.page?.reading?.servers.length ? `?tab=${tab}` : "";
      chrome.tabs.create({ url: chrome.runtime.getURL(`report/report.html${bound}`) });
      window.close();
    },
    "test-page": ({ target = "", server = null }) => {
      field().value = target;
      send({ type: "run", target, origin: "page", page: bond(server) });
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
  const originOf = (target) => (target === view.run.target ? view.run.origin : "typed");

  root.addEventListener("click", ({ target, detail }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    // The second click of a double click on "Test" meets the button that has taken its place.
    if (button && detail <= 1) actions[button.dataset["action"] ?? ""]?.(button.dataset);
  });

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const target = field().value.trim();
    update({ emptyRefused: target === "" });
    if (target === "") return;
    const origin = originOf(target);
    const server = origin === "page" ? (view.run.page?.server ?? null) : null;
    send({ type: "run", target, origin, page: bond(server) });
  });

  root.addEventListener("input", ({ target }) => {
    if (target === field() && view.emptyRefused) update({ emptyRefused: false });
  });

  root.addEventListener("focusin", ({ target }) => {
    if (inTab && target === field()) send({ type: "warm" });
  });

  root.addEventListener("change", ({ target }) => {
    // Each list is named as what it chooses is stored.
    if (target instanceof HTMLSelectElement) chrome.storage.local.set({ [target.dataset["action"] ?? ""]: target.value });
  });
}
