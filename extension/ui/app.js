import { browserName } from "../shared/browsers.js";
import { Catalogue, languageFor } from "../shared/catalogue.js";
import { h, morph } from "./dom.js";
import { screen } from "./screen.js";
import { follow } from "./stored.js";

/** @typedef {import("../background/controller.js").Command} Command */
/** @typedef {import("./screen.js").View} View */

const COPIED_MS = 2000;

/** @param {string | undefined} choice */
async function catalogueFor(choice) {
  const language = languageFor(choice, chrome.i18n.getUILanguage());
  const response = await fetch(chrome.runtime.getURL(`_locales/${language}/messages.json`));
  return new Catalogue(language, await response.json());
}

async function whereAmI() {
  const { os } = await chrome.runtime.getPlatformInfo();
  // Client hints are not in the standard library's types.
  const { userAgentData } = /** @type {Navigator & {userAgentData?: {brands: {brand: string}[]}}} */ (navigator);
  return { os, browser: browserName(userAgentData?.brands.map(({ brand }) => brand) ?? []) };
}

async function chosenLanguage() {
  /** @type {{language?: string}} */
  const { language } = await chrome.storage.local.get("language");
  return language;
}

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
  return (/** @type {Command} */ command) => {
    attach();
    chrome.runtime.sendMessage(command);
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
  const [choice, place] = await Promise.all([chosenLanguage(), whereAmI()]);
  const t = await catalogueFor(choice);
  const state = await follow(({ link, run }) => update({ link, run }));
  /** @type {View} */
  let view = { ...state, t, place, choice, inTab, copied: null, emptyRefused: false };
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

  field().value = view.run.target;
  field().focus();
  field().select();

  chrome.storage.local.onChanged.addListener(async (changes) => {
    if (!changes["language"]) return;
    const language = /** @type {string | undefined} */ (changes["language"].newValue);
    update({ choice: language, t: await catalogueFor(language) });
  });

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let copiedTimer;

  /**
   * @param {string} text
   * @param {string} what
   */
  async function copy(text, what) {
    const done = await toClipboard(text);
    announcer.textContent = done ? view.t.text("ui_copied", { what }) : view.t.text("ui_copy_failed");
    update({ copied: done ? `${what}\n${text}` : null });
    clearTimeout(copiedTimer);
    copiedTimer = setTimeout(() => {
      announcer.textContent = "";
      update({ copied: null });
    }, COPIED_MS);
  }

  /** @type {Record<string, (data: DOMStringMap) => void>} */
  const actions = {
    stop: () => send({ type: "stop" }),
    warm: () => send({ type: "warm" }),
    copy: (data) => copy(data["copy"] ?? "", data["what"] ?? ""),
    "copy-report": () => copy(JSON.stringify(view.run.report, null, 2), view.t.text("ui_report")),
    "open-tab"() {
      chrome.tabs.create({ url: chrome.runtime.getURL("report/report.html") });
      window.close();
    },
  };

  root.addEventListener("click", ({ target, detail }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    // The second click of a double click on "Test" meets the button that has taken its place.
    if (button && detail <= 1) actions[button.dataset["action"] ?? ""]?.(button.dataset);
  });

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const target = field().value.trim();
    update({ emptyRefused: target === "" });
    if (target !== "") send({ type: "run", target });
  });

  root.addEventListener("input", ({ target }) => {
    if (target === field() && view.emptyRefused) update({ emptyRefused: false });
  });

  root.addEventListener("focusin", ({ target }) => {
    if (inTab && target === field()) send({ type: "warm" });
  });

  root.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLSelectElement) chrome.storage.local.set({ language: target.value });
  });
}
