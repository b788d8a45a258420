import { historyIn, reportKey } from "../../core/history-list.js";
import {
  isHistoryExposed,
  readHistory,
  readHistoryItems,
  readPastReport,
  retold,
} from "../../platform/history-access.js";
import { saveFile } from "../components/file-download.js";
import { historyScreen } from "./history-screen.js";
import { showStoredPage } from "./stored-page.js";

/** @typedef {import("../../core/background-messages.js").HistoryCommand} HistoryCommand */
/** @typedef {import("../../types/messages.d.ts").Report} Report */
/** @typedef {import("./history-screen.js").HistoryPageState} HistoryPageState */

/** @param {HistoryCommand} command */
const send = (command) => chrome.runtime.sendMessage(command);

/**
 * The reports of two past runs; null where one of them is not kept.
 *
 * @param {(string | null)[]} ids  the older first
 * @returns {Promise<[Report, Report] | null>}
 */
async function readPair([one, other]) {
  const read = async (/** @type {string | null} */ id) => {
    const report = id && (await readPastReport(id));
    return report ? retold(id, report) : null;
  };
  const [before, after] = await Promise.all([one, other].map(read));
  return before && after ? [before, after] : null;
}

/** Saves everything that is kept, but for the keys of networks, by which these could be recognised. */
async function saveHistory() {
  const items = await readHistoryItems();
  const { entries, networks: known } = historyIn(items);
  const runs = entries.map(({ id, target, at, network }) => ({
    target,
    at,
    network: network && known[network] ? known[network].name || known[network].number : null,
    report: items[reportKey(id)] ?? null,
  }));
  saveFile({
    name: "poterne-history.json",
    mime: "application/json",
    data: `${JSON.stringify({ schema: 1, runs }, null, 2)}\n`,
  });
}

/** Shows past runs in the page's `<main>`; the page's address may name two of them to compare. */
export async function showHistoryPage() {
  const address = new URLSearchParams(location.search);
  /** @type {HistoryPageState} */
  let state = {
    chosen: [],
    compared: await readPair([address.get("before"), address.get("after")]),
    eraseAsked: false,
    refused: false,
    leftOpen: await isHistoryExposed(),
  };
  const update = await showStoredPage("past_page", state, historyScreen);
  const change = (/** @type {Partial<HistoryPageState>} */ changes) => {
    state = { ...state, ...changes };
    update(changes);
  };
  follow(() => state, change);
}

/**
 * Does what buttons, names of networks and check boxes ask for, by their `data-action`.
 *
 * @param {() => HistoryPageState} stateNow
 * @param {(changes: Partial<HistoryPageState>) => void} change
 */
function follow(stateNow, change) {
  /** @type {Record<string, (id: string) => unknown>} */
  const actions = {
    forget: (id) => send({ type: "forget", id }),
    export: saveHistory,
    "ask-erase": () => change({ eraseAsked: true }),
    not: () => change({ eraseAsked: false }),
    async erase() {
      await send({ type: "erase-past" });
      change({ eraseAsked: false, chosen: [], compared: null, leftOpen: await isHistoryExposed() });
    },
    async compare() {
      const { chosen } = stateNow();
      if (chosen.length !== 2) return;
      const { entries } = await readHistory();
      const ids = entries.filter(({ id }) => chosen.includes(id)).map(({ id }) => id);
      change({ compared: await readPair(ids.reverse()) });
      document.querySelector("main")?.scrollIntoView();
    },
  };
  const root = /** @type {HTMLElement} */ (document.querySelector("main"));
  root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    if (button) actions[button.dataset["action"] ?? ""]?.(button.dataset["id"] ?? "");
  });
  root.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    const { action, id = "" } = target.dataset;
    if (action === "name-network") {
      send({ type: "name-network", network: id, name: target.value }).then((done) => {
        if (done === false) target.value = target.defaultValue;
        change({ refused: done === false });
      });
    }
    if (action === "choose") {
      const rest = stateNow().chosen.filter((one) => one !== id);
      change({ chosen: target.checked ? [...rest, id] : rest });
    }
  });
}
