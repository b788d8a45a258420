import { ASK_UNKEPT, isPastCommand, KEPT_CHANGED } from "../core/background-messages.js";
import { isOwn } from "../platform/senders.js";
import { badgeOf } from "./badge.js";
import { Controller } from "./run-controller.js";
import { HostLink } from "./host-link.js";
import { followEntrances } from "./entry-points.js";
import { Keeper } from "./history-writer.js";
import { openPrivateArea } from "./history-storage.js";
import { Pages } from "./page-access.js";
import { CoalescingStore } from "./coalescing-store.js";
import { Unkept } from "./unstored-run.js";

/** @typedef {import("../core/background-messages.js").Command} Command */
/** @typedef {import("../core/background-messages.js").Wish} Wish */
/** @typedef {import("../core/background-messages.js").PastCommand} PastCommand */
/** @typedef {import("../core/background-messages.js").PageWish} PageWish */
/** @typedef {import("../core/background-messages.js").KeptQuestion} KeptQuestion */
/** @typedef {import("../core/background-messages.js").TellQuestion} TellQuestion */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */
/** @typedef {import("../core/run.js").Run} Run */

const HOST = "org.poterne.host";

const place = openPrivateArea();

const keeper = new Keeper({
  place,
  preferences: chrome.storage.local,
  onChange: () => void chrome.runtime.sendMessage({ type: KEPT_CHANGED }).catch(() => {}),
});

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

const pages = new Pages(
  chrome.storage.session,
  async () => (await started).run,
  async () => (await place).seal(),
);
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
  if (area === "managed" || (area === "local" && "history" in changes)) keeper.refresh();
});

chrome.windows?.onRemoved.addListener(async () => {
  const [controller, windows] = await Promise.all([started, chrome.windows.getAll()]);
  if (!windows.some(({ incognito }) => incognito)) controller.forgetPrivate();
});

/** @typedef {Command | Wish | PastCommand | PageWish | KeptQuestion | TellQuestion | {type: typeof ASK_UNKEPT}} Asked */

chrome.runtime.onMessage.addListener((/** @type {Asked} */ asked, sender, answer) => {
  if (!isOwn(sender)) return false;
  const answered = answerTo(asked);
  answered?.then(answer, () => answer());
  return answered !== null;
});

/**
 * @param {Asked} asked
 * @returns {Promise<unknown> | null}  null: nobody waits for an answer
 */
function answerTo(asked) {
  if (isPastCommand(asked)) return started.then(() => keeper.command(asked));
  switch (asked.type) {
    case "kept":
      return started.then(() => keeper.answer(asked.keys));
    case ASK_UNKEPT:
      return started.then(() => unkept.state);
    case "page":
      return pages.answer(asked);
    case "tell-past":
      return started.then((controller) => tellPast(controller, asked.id));
    case "export":
      return started.then((controller) => controller.export(asked));
    default:
      started.then((controller) => controller.command(asked));
      return null;
  }
}

/**
 * The report of a past run that an earlier version kept, told anew and kept so; null where it cannot be had.
 *
 * @param {Controller} controller
 * @param {string} id
 */
async function tellPast(controller, id) {
  const old = await keeper.report(id);
  const report = old && (await controller.explained(old));
  if (report) await keeper.replace(id, report);
  return report;
}

chrome.runtime.onConnect.addListener((port) => {
  if (!isOwn(port.sender)) {
    port.disconnect();
    return;
  }
  if (port.name !== "popup") return;
  const closed = new Promise((resolve) => port.onDisconnect.addListener(resolve));
  started.then((controller) => {
    controller.popupOpened();
    closed.then(() => controller.popupClosed());
  });
});
