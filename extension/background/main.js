import { HISTORY_CHANGED, isHistoryCommand, UNSTORED_RUN } from "../core/background-messages.js";
import { isOwnDocument } from "../platform/senders.js";
import { badgeOf } from "./badge.js";
import { CoalescingStore } from "./coalescing-store.js";
import { followEntryPoints } from "./entry-points.js";
import { openHistoryStorage } from "./history-storage.js";
import { HistoryWriter } from "./history-writer.js";
import { HostLink } from "./host-link.js";
import { PageAccess } from "./page-access.js";
import { RunController } from "./run-controller.js";
import { UnstoredRun } from "./unstored-run.js";

/** @typedef {import("../core/background-messages.js").ExportRequest} ExportRequest */
/** @typedef {import("../core/background-messages.js").HistoryCommand} HistoryCommand */
/** @typedef {import("../core/background-messages.js").HistoryRequest} HistoryRequest */
/** @typedef {import("../core/background-messages.js").PageRequest} PageRequest */
/** @typedef {import("../core/background-messages.js").RetellRequest} RetellRequest */
/** @typedef {import("../core/background-messages.js").RunCommand} RunCommand */
/** @typedef {import("../core/link-state.js").LinkState} LinkState */
/** @typedef {import("../core/run.js").Run} Run */

const HOST = "org.poterne.host";

const historyStorage = openHistoryStorage();

const historyWriter = new HistoryWriter({
  storage: historyStorage,
  preferences: chrome.storage.local,
  onChange: () => void chrome.runtime.sendMessage({ type: HISTORY_CHANGED }).catch(() => {}),
});

/** Listeners have to be there in the first turn; what they do waits for what was stored. */
const started = Promise.all([chrome.storage.session.get(["link", "run", "unkept"]), historyWriter.refresh()]).then(
  ([stored]) => start(stored),
);

/** @type {UnstoredRun} */
let unstoredRun;

/** @param {{link?: LinkState, run?: Run, unkept?: string | null}} stored */
function start(stored) {
  const store = new CoalescingStore(chrome.storage.session, () => unstoredRun.refused());
  /** The run that could not be put among the past ones. @type {string | null} */
  let unkept = stored.unkept ?? null;
  const state = () => ({ link: link.state, run: controller.run, unkept });
  unstoredRun = new UnstoredRun(chrome.storage.session, (message) => chrome.runtime.sendMessage(message), state);
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
  const controller = new RunController({
    link,
    run: stored.run,
    newId: () => crypto.randomUUID(),
    version: chrome.runtime.getManifest().version,
    onRun: () => changed(),
    onDone: async (run) => {
      if (await historyWriter.keep(run)) return;
      unkept = run.id;
      changed();
    },
    salt: () => historyWriter.salt,
    now: () => Date.now(),
  });

  function changed() {
    store.put(state());
    showBadge(controller.run, link.state);
  }
  changed();
  return controller;
}

const pages = new PageAccess(
  chrome.storage.session,
  async () => (await started).run,
  async () => (await historyStorage).seal(),
);
chrome.tabs.onRemoved.addListener((tab) => pages.forget(tab));
followEntryPoints(pages, async (command) => (await started).command(command));

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
  if (area === "managed" || (area === "local" && "history" in changes)) historyWriter.refresh();
});

chrome.windows?.onRemoved.addListener(async () => {
  const [controller, windows] = await Promise.all([started, chrome.windows.getAll()]);
  if (!windows.some(({ incognito }) => incognito)) controller.forgetPrivate();
});

/**
 * @typedef {RunCommand | ExportRequest | PageRequest | HistoryCommand | HistoryRequest | RetellRequest |
 *   {type: typeof UNSTORED_RUN}} Asked
 */

chrome.runtime.onMessage.addListener((/** @type {Asked} */ asked, sender, answer) => {
  if (!isOwnDocument(sender)) return false;
  const answered = answerTo(asked);
  answered?.then(answer, () => answer());
  return answered !== null;
});

/**
 * @param {Asked} asked
 * @returns {Promise<unknown> | null}  null: nobody waits for an answer
 */
function answerTo(asked) {
  if (isHistoryCommand(asked)) return started.then(() => historyWriter.command(asked));
  switch (asked.type) {
    case "kept":
      return started.then(() => historyWriter.answer(asked.keys));
    case UNSTORED_RUN:
      return started.then(() => unstoredRun.state);
    case "page":
      return pages.answer(asked);
    case "tell-past":
      return started.then((controller) => retellPastRun(controller, asked.id));
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
 * @param {RunController} controller
 * @param {string} id
 */
async function retellPastRun(controller, id) {
  const old = await historyWriter.report(id);
  const report = old && (await controller.explained(old));
  if (report) await historyWriter.replace(id, report);
  return report;
}

chrome.runtime.onConnect.addListener((port) => {
  if (!isOwnDocument(port.sender)) {
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
