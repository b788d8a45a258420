/**
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Finding} Finding
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 */

/**
 * A run as the list of past runs holds it; its report is stored beside, under `reportKey(id)`.
 *
 * @typedef {object} HistoryEntry
 * @property {string} id
 * @property {string} target  as it was typed
 * @property {string | null} subject  the host or domain that the sentence is about
 * @property {string} at  ISO 8601, UTC
 * @property {string | null} network  its name under our salt; null where it could not be told apart
 * @property {Report["verdict"] & Partial<Pick<Finding, "says">>} finding  the verdict, and the sentence that says it
 * @property {import("../types/messages.d.ts").Statement | null} [word]  the verdict in a word or two
 * @property {number} size  characters of the report
 */

/**
 * What the person calls a network, and its number where it has no name.
 *
 * @typedef {{name: string, number: number}} Network
 * @typedef {{entries: HistoryEntry[], networks: Record<string, Network>}} HistoryList
 * @typedef {HistoryList & {refused: boolean}} StoredHistory  `refused`: the browser keeps nothing here
 */

/** @type {HistoryList} */
export const EMPTY_HISTORY = Object.freeze({ entries: [], networks: {} });

/**
 * @param {Record<string, unknown>} stored  what is kept under `past` and `networks`
 * @returns {HistoryList}
 */
export const historyIn = ({ past, networks }) => ({
  entries: Array.isArray(past) ? past.filter(isEntry) : EMPTY_HISTORY.entries,
  networks: /** @type {HistoryList["networks"] | undefined} */ (networks) ?? EMPTY_HISTORY.networks,
});

/** Whether something stored can be shown as a past run. @param {any} value */
const isEntry = (value) =>
  [value?.id, value?.target, value?.at, value?.finding?.code].every((text) => typeof text === "string") &&
  !Number.isNaN(Date.parse(value.at));

export const HISTORY_LIMITS = Object.freeze({ entries: 100, size: 4_000_000, networks: 50, name: 40 });

/** @param {string} id */
export const reportKey = (id) => `past/${id}`;

/**
 * Whether what is stored under a key tells what somebody has tested, or where.
 *
 * @param {string} key
 */
export const isHistoryKey = (key) => ["past", "networks", "salt"].includes(key) || key.startsWith(reportKey(""));

/**
 * What the extension's documents may see of what is stored: never the salt, by which networks could be recognised.
 *
 * @param {Record<string, unknown>} items
 */
export const visibleToDocuments = (items) =>
  Object.fromEntries(Object.entries(items).filter(([key]) => isHistoryKey(key) && key !== "salt"));

/**
 * Two lists of past runs as one.
 *
 * @param {HistoryList} one  counts where both know the same run or network
 * @param {HistoryList} other
 * @returns {{past: HistoryEntry[], networks: HistoryList["networks"]}}  as it is stored
 */
export function mergeHistories(one, other) {
  const known = new Set(one.entries.map(({ id }) => id));
  const past = [...one.entries, ...other.entries.filter(({ id }) => !known.has(id))];
  return { past: past.sort((a, b) => b.at.localeCompare(a.at)), networks: { ...other.networks, ...one.networks } };
}

/**
 * @param {{id: string, target: string, report: Report, network: string | null}} run
 * @returns {HistoryEntry}
 */
export function historyEntry({ id, target, report, network }) {
  const subject = report.target.host ?? report.target.domain ?? null;
  const finding = { ...report.verdict, says: report.told?.headline ?? null };
  const word = report.told?.word ?? null;
  return { id, target, subject, at: report.started_at, network, finding, word, size: JSON.stringify(report).length };
}

/**
 * The list with one more, and the ids of those that have to go for it: the oldest.
 *
 * @param {readonly HistoryEntry[]} entries  the newest first
 * @param {HistoryEntry} entry
 * @param {{entries: number, size: number}} [limits]
 */
export function withEntry(entries, entry, limits = HISTORY_LIMITS) {
  const all = [entry, ...entries.filter(({ id }) => id !== entry.id)];
  let size = 0;
  const kept = all.filter((one, index) => (size += one.size) <= limits.size && index < limits.entries);
  return { entries: kept, dropped: all.filter((one) => !kept.includes(one)).map(({ id }) => id) };
}

/**
 * The networks that are still spoken of, or that the person has named, and a new one among them.
 *
 * @param {Record<string, Network>} networks
 * @param {readonly HistoryEntry[]} entries
 * @returns {Record<string, Network>}
 */
export function withNetworks(networks, entries) {
  const used = new Set(entries.flatMap(({ network }) => network ?? []));
  const kept = Object.entries(networks).filter(([key, { name }]) => used.has(key) || name !== "");
  const next = Object.fromEntries(kept.slice(-HISTORY_LIMITS.networks));
  for (const key of used) {
    const number = 1 + Math.max(0, ...Object.values(next).map((network) => network.number));
    next[key] ??= { name: "", number };
  }
  return next;
}

/**
 * What is kept under one name of a network, kept under another.
 *
 * @param {HistoryList} past
 * @param {string | null} before
 * @param {string | null} now  where it is known already, what the person calls it, and its number, count
 * @returns {HistoryList}
 */
export function renameNetwork(past, before, now) {
  if (before === null || now === null || before === now) return past;
  const entries = past.entries.map((entry) => (entry.network === before ? { ...entry, network: now } : entry));
  const { [before]: old, [now]: known, ...networks } = past.networks;
  if (!old) return { ...past, entries };
  const network = known ? { ...known, name: known.name || old.name } : old;
  return { entries, networks: { ...networks, [now]: network } };
}

/** @param {string} target */
const same = (target) => target.trim().toLowerCase();

/**
 * The last run of each network, the newest first.
 *
 * @param {readonly HistoryEntry[]} entries
 */
export function latestPerNetwork(entries) {
  const seen = new Set();
  return entries.filter(({ network }) => !seen.has(network) && seen.add(network));
}

/**
 * @param {readonly HistoryEntry[]} entries
 * @param {string} target
 */
export const entriesOfTarget = (entries, target) => entries.filter((entry) => same(entry.target) === same(target));

/**
 * @param {readonly HistoryEntry[]} entries
 * @returns {{target: string, entries: HistoryEntry[]}[]}  the target tested last first
 */
export function groupByTarget(entries) {
  const firsts = entries.filter(
    (entry, index) => entries.findIndex((one) => same(one.target) === same(entry.target)) === index,
  );
  return firsts.map(({ target }) => ({ target, entries: entriesOfTarget(entries, target) }));
}

/**
 * @param {HistoryList["networks"]} networks
 * @param {string | null} key
 * @param {Catalogue} t
 */
export function networkName(networks, key, t) {
  const network = key === null ? undefined : networks[key];
  if (!network) return t.text("past_network_unknown");
  return network.name || t.text("past_network_unnamed", { number: t.number(network.number) });
}

/**
 * A verdict in a word or two. Of a run that an earlier version kept, no more is known here than how grave it was.
 *
 * @param {Pick<HistoryEntry, "finding" | "word">} entry
 * @param {Catalogue} t
 */
export function verdictWord({ finding: { severity }, word }, t) {
  if (word) return t.said(word);
  if (severity === "blocker") return t.text("past_word_fails");
  return t.text(severity === "good" ? "past_word_works" : "past_word_remark");
}
