import { ASK_UNKEPT } from "../shared/run.js";
import { badgeOf } from "./badge.js";
import { Controller } from "./controller.js";
import { HostLink } from "./host-link.js";
import { followEntrances } from "./entrances.js";
import { isPastCommand, Keeper } from "./keeper.js";
import { Pages } from "./reader.js";
import { CoalescingStore } from "./store.js";
import { Unkept } from "./unkept.js";

/** @typedef {import("./controller.js").Command} Command */
/** @typedef {import("./controller.js").Wish} Wish */
/** @typedef {import("./keeper.js").PastCommand} PastCommand */
/** @typedef {import("./reader.js").PageWish} PageWish */
/** @typedef {import("../shared/link-state.js").LinkState} LinkState */
/** @typedef {import("../shared/run.js").Run} Run */

const HOST = "org.poterne.host";

const keeper = new Keeper(chrome.storage.local);

/** Listeners have to be there in the first turn; what they do waits for what was stored. */
const started = Promise.all([chrome.storage.session.get(["link", "run", "unkept"]), keeper.refresh()]).then(([stored]) =>
  start(stored),
);

/** @type {Unkept} */
let unkept;

/** @param {{link?: LinkState, run?: Run, unkept?: string | null}} stored */
function start(stored) {
  const store = new CoalescingStore(chrome.storage.session, () => unkept.refused());
  /** The run that could not be put among the past ones. @type {string | null} */
  let unremembered = stored.unkept ?? null;
  const state = () => ({ link: link.state, run: controller.run, unkept: unremembered });
  unkept = new Unkept(chrome.storage.session, (message) => chrome.runtime.sendMessage(message), state);
  const link = new HostLink({
    state: stored.link,
    connect: () => chrome.runtime.connectNative(HOST),
    lastError: () => chrome.runtime.lastError?.message ?? null,
    inUse: () => controller.busy,
    onState: (state) => {
      controller.linkChanged(state);
      changed();
    },
    onMessage: (message) => controller.received(message),
  });
  const controller = new Controller({
    link,
    run: stored.run,
    newId: () => crypto.randomUUID(),
    version: chrome.runtime.getManifest().version,
    onRun: () => changed(),
    onDone: async (run) => {
      if (await keeper.keep(run)) return;
      unremembered = run.id;
      changed();
    },
    salt: () => keeper.salt,
    now: () => Date.now(),
  });

  function changed() {
    store.put(state());
    showBadge(controller.run, link.state);
  }
  changed();
  return controller;
}

const pages = new Pages(chrome.storage.session, async () => (await started).run);
chrome.tabs.onRemoved.addListener((tab) => pages.forget(tab));
followEntrances(pages, async (command) => (await started).command(command));

/** @type {string | null} */
let shown = null;

/**
 * @param {Run} run
 * @param {LinkState} link
 */
function showBadge(run, link) {
  const { text, color } = badgeOf(run, link);
  if (text === shown) return;
  shown = text;
  chrome.action.setBadgeText({ text });
  chrome.action.setBadgeBackgroundColor({ color });
  chrome.action.setBadgeTextColor({ color: "#ffffff" });
}

chrome.storage.onChanged.addListener((changes, area) => {
  if (area === "managed" || "history" in changes) keeper.refresh();
});

chrome.windows?.onRemoved.addListener(async () => {
  const [controller, windows] = await Promise.all([started, chrome.windows.getAll()]);
  if (!windows.some(({ incognito }) => incognito)) controller.forgetPrivate();
});

chrome.runtime.onMessage.addListener((/** @type {Command | Wish | PastCommand | PageWish | {type: typeof ASK_UNKEPT}} */ asked, _sender, answer) => {
  if (isPastCommand(asked)) {
    started.then(() => keeper.command(asked)).then(answer);
    return true;
  }
  if (asked.type === ASK_UNKEPT) {
    started.then(() => answer(unkept.state));
    return true;
  }
  if (asked.type === "page") {
    pages.answer(asked).then(answer, () => answer());
    return true;
  }
  if (asked.type !== "export") {
    started.then((controller) => controller.command(asked));
    return false;
  }
  started.then((controller) => controller.export(asked)).then(answer);
  // The answer comes later.
  return true;
});

chrome.runtime.onConnect.addListener((port) => {
  if (port.name !== "popup") return;
  const closed = new Promise((resolve) => port.onDisconnect.addListener(resolve));
  started.then((controller) => {
    controller.popupOpened();
    closed.then(() => controller.popupClosed());
  });
});
