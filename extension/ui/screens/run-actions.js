import { exportDone } from "../components/export-section.js";
import { saveFile } from "../components/file-download.js";
import { ticketFile } from "../components/ticket-section.js";
import { storeChoice } from "../state/choice-storage.js";

/** @typedef {import("../../core/background-messages.js").ExportResult} ExportResult */
/** @typedef {import("../../types/page.d.ts").Wanted} Wanted */
/** @typedef {import("../state/background-connection.js").BackgroundRequest} BackgroundRequest */
/** @typedef {import("../state/view.js").LastExport} LastExport */
/** @typedef {import("../state/view.js").RunView} RunView */

/**
 * What actions need of the page.
 *
 * @typedef {object} ActionTarget
 * @property {RunView} view
 * @property {(asked: BackgroundRequest) => Promise<any>} send
 * @property {(changes: Partial<RunView>) => void} update
 * @property {(text: string) => void} announce
 * @property {(proposed: Pick<RunView["run"], "target" | "origin">, server: string | null) => void} run
 */

const COPIED_MS = 2000;

/** The background went away before it answered. @type {ExportResult} */
const LOST = { problem: "host", message: null };

/** @param {string} text */
const toClipboard = (text) =>
  navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );

/** What buttons and lists do, by their `data-action`. */
export class RunActions {
  #runPage;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #copiedTimer;

  /** @param {ActionTarget} runPage */
  constructor(runPage) {
    this.#runPage = runPage;
  }

  /** @type {Record<string, (data: DOMStringMap) => unknown>} */
  #buttons = {
    stop: () => this.#runPage.send({ type: "stop" }),
    warm: () => this.#runPage.send({ type: "warm" }),
    copy: (data) => this.#copy(data["copy"] ?? "", data["what"] ?? ""),
    export: ({ format }) => this.#handOver(/** @type {LastExport["format"]} */ (format), false),
    "export-copy": ({ format }) => this.#handOver(/** @type {LastExport["format"]} */ (format), true),
    "copy-report": () => {
      const { run, t } = this.#runPage.view;
      this.#copy(JSON.stringify(run.report, null, 2), t.text("ui_report"));
    },
    "ticket-save": () => saveFile(ticketFile(this.#runPage.view)),
    welcome: () => this.choose({ welcomed: true }),
    print: () => window.print(),
    "open-tab": () => this.#openTab(),
    "test-page": ({ target = "", server = null }) => this.#runPage.run({ target, origin: "page" }, server),
    "fill-page": ({ server = "", toHost = "", toPort, toSecurity }) => {
      const security = toSecurity === "tls" ? "tls" : "starttls";
      this.#page({ act: "fill", server, wanted: { host: toHost, port: Number(toPort), security } });
    },
    "undo-page": () => this.#page({ act: "undo" }),
    "read-page": () => this.#page({ act: "read" }),
  };

  /** @param {HTMLButtonElement} button */
  press({ dataset }) {
    this.#buttons[dataset["action"] ?? ""]?.(dataset);
  }

  /**
   * Stores what somebody has chosen.
   *
   * @param {Record<string, unknown>} choice
   * @param {HTMLSelectElement} [list]  where it was made
   */
  async choose(choice, list) {
    const choiceRefused = !(await storeChoice(choice, list));
    this.#runPage.update({ choiceRefused });
  }

  /** @param {{act: "read" | "undo"} | {act: "fill", server: string, wanted: Wanted}} wish */
  #page(wish) {
    const { tab } = this.#runPage.view;
    if (tab !== null) this.#runPage.send({ type: "page", tab, ...wish });
  }

  #openTab() {
    const { page, tab } = this.#runPage.view;
    const bound = page?.reading?.servers.length ? `?tab=${tab}` : "";
    chrome.tabs.create({ url: chrome.runtime.getURL(`report/report.html${bound}`) });
    window.close();
  }

  /**
   * @param {string} text
   * @param {string} what
   */
  async #copy(text, what) {
    const { t } = this.#runPage.view;
    const taken = await toClipboard(text);
    this.#runPage.announce(taken ? t.text("ui_copied", { what }) : t.text("ui_copy_failed"));
    this.#runPage.update({ copied: taken ? `${what}\n${text}` : null });
    clearTimeout(this.#copiedTimer);
    this.#copiedTimer = setTimeout(() => {
      this.#runPage.announce("");
      this.#runPage.update({ copied: null });
    }, COPIED_MS);
  }

  /**
   * @param {LastExport["format"]} format
   * @param {boolean} copied  to the clipboard, in place of a file
   */
  async #handOver(format, copied) {
    const { view } = this.#runPage;
    if (view.lastExport?.phase === "making") return;
    const { id: run, target } = view.run;
    /** @type {LastExport} */
    let lastExport = { run, format, phase: "making", name: target, problem: null, message: null };
    this.#runPage.update({ lastExport });
    /** @type {ExportResult} */
    const made =
      (await this.#runPage.send({ type: "export", format, language: view.t.language }).catch(() => null)) ?? LOST;
    if (made.problem) {
      lastExport = { ...lastExport, ...made, phase: "failed" };
    } else if (!copied) {
      saveFile(made);
      lastExport = { ...lastExport, name: made.name, phase: "saved" };
    } else {
      const taken = await toClipboard(made.data);
      lastExport = { ...lastExport, phase: taken ? "copied" : "failed", problem: taken ? null : "clipboard" };
    }
    this.#runPage.announce(lastExport.problem ? "" : exportDone(this.#runPage.view.t, lastExport));
    this.#runPage.update({ lastExport });
  }
}
