/**
 * @typedef {import("../types/messages.d.ts").HostMessage} HostMessage
 * @typedef {import("../types/messages.d.ts").Endpoint} Endpoint
 * @typedef {import("../types/messages.d.ts").Observation} Observation
 * @typedef {import("../types/messages.d.ts").Finding} Finding
 * @typedef {import("../types/messages.d.ts").Settings} Settings
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").ErrorMessage} ErrorMessage
 */

/**
 * Why a run came to no end: the host was lost, or did not answer in time, the background was stopped, there was no room
 * to keep what was found, or the host said so in its own words.
 *
 * @typedef {{cause: "host" | "late" | "interrupted" | "unkept", message: null} |
 *   {cause: "internal", message: string}} Failure
 */

/**
 * One check as the extension knows it: a record that can be stored.
 *
 * @typedef {object} Run
 * @property {string | null} id
 * @property {string} target  as it was typed
 * @property {"idle" | "running" | "done" | "stopped" | "failed"} phase
 * @property {Endpoint[]} endpoints  the plan
 * @property {Record<string, Observation>} observations  by id, until there is a report
 * @property {Finding[]} findings  until there is a report
 * @property {Settings} settings  until there is a report
 * @property {Report | null} report
 * @property {{code: ErrorMessage["code"], message: string} | null} refusal  why nothing was tested
 * @property {Failure | null} failure
 * @property {boolean} private  asked in a private window, or about a page of one: shown there only, and never kept
 * @property {number | null} until  when its budget ends, in milliseconds since 1970
 * @property {string | null} network  the name of the network that it was made in, under our salt
 * @property {string | null} [networkBefore]  the name that earlier hosts gave to it
 * @property {"typed" | "page"} origin  who named the target; a page's word leads to public addresses only
 * @property {PageBond | null} page  the page that was read when the run was asked for
 */

/**
 * The tab and the document that a run belongs to, and the server of its form that was pressed; null where the target
 * was typed.
 *
 * @typedef {{tab: number, token: string, server: string | null}} PageBond
 */

/** @type {Settings} */
const NO_SETTINGS = Object.freeze({ outgoing: [], incoming: [] });

/** @type {Run} */
export const IDLE_RUN = Object.freeze({
  id: null,
  target: "",
  phase: "idle",
  endpoints: [],
  observations: {},
  findings: [],
  settings: NO_SETTINGS,
  report: null,
  refusal: null,
  failure: null,
  private: false,
  until: null,
  network: null,
  origin: "typed",
  page: null,
});

/**
 * @param {string} id
 * @param {string} target
 * @param {Partial<Pick<Run, "private" | "until" | "origin" | "page">>} [more]
 * @returns {Run}
 */
export const beginRun = (id, target, more) => ({ ...IDLE_RUN, id, target, phase: "running", ...more });

/**
 * @param {Run} run
 * @returns {Run}
 */
export const stopRun = (run) => (run.phase === "running" ? { ...run, phase: "stopped" } : run);

/**
 * @param {Run} run
 * @param {Failure} failure
 * @returns {Run}
 */
export const failRun = (run, failure) => (run.phase === "running" ? { ...run, phase: "failed", failure } : run);

/**
 * What is left of a run where there is no room for it.
 *
 * @param {Run} run
 * @returns {Run}
 */
export function withoutResult({ id, target, private: isPrivate, origin, page, phase }) {
  const rest = { ...IDLE_RUN, id, target, private: isPrivate, origin, page };
  return phase === "idle" ? rest : { ...rest, phase: "failed", failure: { cause: "unkept", message: null } };
}

/** @param {Finding} finding */
const sameAs = (finding) => (/** @type {Finding} */ other) =>
  finding.code === other.code &&
  finding.host === other.host &&
  finding.port === other.port &&
  finding.family === other.family;

/**
 * Takes in one message of the host. Messages of another run, or after the end, change nothing.
 *
 * @param {Run} run
 * @param {HostMessage} message
 * @returns {Run}
 */
export function receiveMessage(run, message) {
  if (message.type === "hello" || run.phase !== "running" || message.id !== run.id) return run;
  switch (message.type) {
    case "plan":
      return { ...run, endpoints: message.endpoints };
    case "observation": {
      const { observation } = message;
      return { ...run, observations: { ...run.observations, [observation.id]: observation } };
    }
    case "finding": {
      const others = run.findings.filter((finding) => !sameAs(message.finding)(finding));
      return { ...run, findings: [...others, message.finding] };
    }
    case "settings":
      return { ...run, settings: message.settings };
    case "report":
      return {
        ...run,
        phase: "done",
        report: message.report,
        network: message.network ?? null,
        networkBefore: message.network_before ?? null,
        observations: {},
        findings: [],
        settings: NO_SETTINGS,
      };
    case "cancelled":
      return stopRun(run);
    case "error": {
      const { code, message: text } = message;
      if (code === "invalid-target" || code === "forbidden") {
        const kept = { target: run.target, private: run.private, origin: run.origin, page: run.page };
        return { ...IDLE_RUN, ...kept, refusal: { code, message: text } };
      }
      return failRun(run, { cause: "internal", message: text });
    }
    default:
      return run;
  }
}

/**
 * @param {HostMessage} message
 * @returns {boolean} nothing more follows under this message's id
 */
export const isFinalMessage = (message) =>
  message.type === "report" || message.type === "cancelled" || message.type === "error";

/**
 * What is known of a run, wherever it stands: in its report when there is one.
 *
 * @param {Run} run
 */
export function runResults(run) {
  const { report } = run;
  if (!report) {
    return {
      observations: Object.values(run.observations),
      findings: run.findings,
      settings: run.settings,
      verdict: null,
    };
  }
  const { observations, findings, settings, verdict } = report;
  return { observations, findings, settings, verdict };
}
