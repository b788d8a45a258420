import { refusal, said } from "./sentence.js";

/**
 * @typedef {import("../types/messages.d.ts").Report} Report
 * @typedef {import("../types/messages.d.ts").Observation} Observation
 * @typedef {import("../types/messages.d.ts").Hop} Hop
 * @typedef {import("./sentence.js").Saying} Saying
 * @typedef {Saying[]} Reason  sentences that belong together
 */

/** How many hosts, refusals and paths are told of. */
const HOSTS = 4;
const FEW = 3;

/** @type {Partial<Record<Observation["state"], string>>} */
const FAILED = {
  refused: "why_refused",
  "no-answer": "why_silent",
  reset: "why_cut",
  prohibited: "why_cut",
  unreachable: "why_unreached",
  error: "why_unreached",
};
/** @type {Partial<Record<Hop["answer"], string>>} */
const PASSED = { "time-exceeded": "why_path_further", open: "why_path_through" };
const FAILURES = [...new Set(Object.values(FAILED))];

/**
 * How the report knows what it says, in words, the most telling first. The command line says the same sentences
 * (`host/poterne/reasons.py`).
 *
 * @param {Report} report
 * @param {import("./catalogue.js").Catalogue} catalogue
 */
export function reasonsInWords(report, catalogue) {
  const told = reasons(report, catalogue).map((reason) => reason.map((saying) => said(saying, catalogue)).join(" "));
  // Both families often show the same.
  return [...new Set(told)];
}

/**
 * @param {Report} report
 * @param {import("./catalogue.js").Catalogue} catalogue
 * @returns {Reason[]}
 */
export function reasons(report, catalogue) {
  const codes = new Set(report.findings.map(({ code }) => code));
  return [
    ...target(report),
    ...controls(report, codes),
    ...relay(report),
    ...refusers(report),
    ...gateway(report),
    ...paths(report),
    ...canary(report),
    ...families(report, codes),
    ...certificates(report, codes),
    ...names(report),
    ...page(report),
    ...trace(report),
    ...lookups(report, catalogue),
  ];
}

/** @param {Observation} observation */
export const isControl = ({ role, source }) => role === "control" && source !== "gateway";

/**
 * @param {readonly Observation[]} observations
 * @param {(observation: Observation) => string | number} key
 * @returns {Map<string | number, Observation[]>} in the order in which they come
 */
function by(observations, key) {
  /** @type {Map<string | number, Observation[]>} */
  const groups = new Map();
  for (const observation of observations) {
    const name = key(observation);
    groups.set(name, [...(groups.get(name) ?? []), observation]);
  }
  return groups;
}

/** @param {Iterable<string | number>} ports */
const rising = (ports) => [...new Set(ports)].map(Number).sort((one, other) => one - other);

/** @param {Observation} observation */
const isOpen = ({ state }) => state === "open";

/**
 * @param {string} key
 * @param {number[]} ports
 * @param {Record<string, string>} [more]
 * @returns {Saying}
 */
const aboutPorts = (key, ports, more) => ({ key, values: { ...more, ports }, count: ports.length });

/**
 * What each server of the target answered, port by port; one open address of a port counts.
 *
 * @param {Report} report
 * @returns {Reason[]}
 */
function target({ observations }) {
  const hosts = by(
    observations.filter(({ role }) => role === "target"),
    ({ host }) => host,
  );
  return [...hosts].slice(0, HOSTS).map(([name, seen]) => {
    const host = String(name);
    const ports = by(seen, ({ port }) => port);
    const open = rising([...ports].flatMap(([port, there]) => (there.some(isOpen) ? [port] : [])));
    const reason = [
      open.length > 0 ? aboutPorts("why_target", open, { host }) : { key: "why_target_none", values: { host } },
    ];
    for (const key of FAILURES) {
      const failed = [...ports].flatMap(([port, there]) => {
        const [first] = there;
        return first && !there.some(isOpen) && FAILED[first.state] === key ? [port] : [];
      });
      if (failed.length > 0) reason.push({ key, values: { ports: rising(failed) } });
    }
    return reason;
  });
}

/**
 * How the servers of other operators fared, port by port.
 *
 * @param {Report} report
 * @param {Set<string>} codes
 * @returns {Reason[]}
 */
function controls({ observations }, codes) {
  const asked = observations.filter(isControl);
  if (asked.length === 0) return [];
  const count = by(asked, ({ host }) => host).size;
  /** @type {Reason} */
  const reason = [{ key: "why_controls", values: { count }, count }];
  /** @type {Record<"none" | "all", number[]>} */
  const alike = { none: [], all: [] };
  /** @type {Saying[]} */
  const mixed = [];
  const ports = by(asked, ({ port }) => port);
  for (const port of rising(ports.keys())) {
    const hosts = [...by(ports.get(port) ?? [], ({ host }) => host).values()];
    const reached = hosts.filter((seen) => seen.some(isOpen)).length;
    if (reached === 0) alike.none.push(port);
    else if (reached === hosts.length) alike.all.push(port);
    else
      mixed.push({ key: "why_controls_some", values: { port, count: reached, total: hosts.length }, count: reached });
  }
  if (alike.none.length > 0) reason.push(aboutPorts("why_controls_none", alike.none));
  reason.push(...mixed);
  if (alike.all.length > 0) reason.push(aboutPorts("why_controls_all", alike.all));
  if (codes.has("starttls-stripped")) reason.push(...stripped(asked));
  return [reason];
}

/**
 * @param {Observation[]} asked
 * @returns {Saying[]}
 */
function stripped(asked) {
  const hosts = [
    ...by(
      asked.filter((one) => isOpen(one) && one.asked === "starttls"),
      ({ host }) => host,
    ).values(),
  ];
  const without = hosts.filter((seen) => seen.some(({ starttls }) => starttls === "absent" || starttls === "refused"));
  const count = without.length;
  return count > 0 ? [{ key: "why_stripped", values: { count, total: hosts.length }, count }] : [];
}

/**
 * @param {Report} report
 * @returns {Reason[]}
 */
function relay({ observations }) {
  const hosts = by(
    observations.filter(({ role }) => role === "relay"),
    ({ host, port }) => `${host} ${port}`,
  );
  return [...hosts.values()].flatMap((seen) =>
    seen
      .slice(0, 1)
      .map(({ host, port }) => [
        { key: seen.some(isOpen) ? "why_relay_open" : "why_relay_silent", values: { host, port } },
      ]),
  );
}

/**
 * Who sent the refusals that came, and what could not even leave this machine.
 *
 * @param {Report} report
 * @returns {Reason[]}
 */
function refusers(report) {
  const failed = report.observations.filter((one) => !isOpen(one) && (one.role === "target" || isControl(one)));
  const reported = by(
    failed.filter(({ reporter }) => reporter !== null),
    (one) => `${who(report, one)} ${one.reporter}`,
  );
  /** @type {Reason[]} */
  const found = [...reported.values()].slice(0, FEW).flatMap((seen) =>
    seen.slice(0, 1).map((one) => [
      aboutPorts("why_reporter", rising(seen.map(({ port }) => port)), {
        address: one.reporter ?? "",
        who: who(report, one),
      }),
    ]),
  );
  const kept = failed.filter(({ path }) => path.some(({ hop, answer }) => hop === 0 && answer !== "silent"));
  if (kept.length > 0) found.push([aboutPorts("why_local", rising(kept.map(({ port }) => port)))]);
  return found;
}

/**
 * @param {Report} report
 * @param {Observation} observation
 */
function who({ machine, way }, { reporter, address }) {
  if (reporter === address) return "server";
  if (reporter !== null && machine.addresses.includes(reporter)) return "you";
  if (reporter !== null && (machine.gateways.includes(reporter) || reporter === way?.box)) return "box";
  return "router";
}

/**
 * What the home box's own address did on a port that fails elsewhere.
 *
 * @param {Report} report
 * @returns {Reason[]}
 */
function gateway({ observations }) {
  return observations
    .filter(({ source }) => source === "gateway")
    .slice(0, FEW)
    .map(({ address, port, state }) => [
      {
        key: state === "open" || state === "refused" ? "why_gateway_answers" : "why_gateway_silent",
        values: { address, port },
      },
    ]);
}

/**
 * @param {Hop[]} path
 * @returns {Hop | null} the last that answered
 */
const last = (path) => path.filter(({ answer }) => answer !== "silent").at(-1) ?? null;

/**
 * The failing ports that were followed, each with a working port of the same address.
 *
 * @param {Report} report
 * @returns {{failing: Observation, beside: Observation | null}[]}
 */
export function traced({ observations }) {
  const followed = observations.filter(({ path }) => path.length > 0);
  const failing = followed.filter((one) => !isOpen(one));
  const pairs = failing.map((one) => ({
    failing: one,
    beside: followed.find((other) => isOpen(other) && other.address === one.address) ?? null,
  }));
  return pairs.slice(0, FEW);
}

/**
 * @param {Report} report
 * @returns {Reason[]}
 */
function paths(report) {
  return traced(report).flatMap(({ failing, beside }) => {
    if (failing.path.some(({ hop, answer }) => hop === 0 && answer !== "silent")) return [];
    const reason = [followed(failing)];
    const there = beside && last(beside.path);
    const key = there && PASSED[there.answer];
    if (key) reason.push({ key, values: place(beside, there) });
    return [reason];
  });
}

/**
 * Where a trace ended. What answers without an address of its own answers as the one that was called.
 *
 * @param {Observation} observation
 * @param {Hop} end
 */
const place = ({ port, address }, end) => ({ port, hop: end.hop, address: end.address ?? address });

/**
 * @param {Observation} observation
 * @returns {Saying}
 */
function followed(observation) {
  const end = last(observation.path);
  if (!end) return { key: "why_path_none", values: { port: observation.port } };
  const values = place(observation, end);
  if (end.answer === "open") return { key: "why_path_nearer", values };
  return { key: end.answer === "time-exceeded" ? "why_path" : "why_path_refused", values };
}

/**
 * @param {Report} report
 * @returns {Reason[]}
 */
function canary({ observations }) {
  const asked = observations.filter(({ role }) => role === "canary");
  if (asked.length === 0) return [];
  const open = rising(asked.filter(isOpen).map(({ port }) => port));
  return [[open.length > 0 ? aboutPorts("why_canary_open", open) : { key: "why_canary_silent" }]];
}

/**
 * @param {Report} report
 * @param {Set<string>} codes
 * @returns {Reason[]}
 */
function families({ observations }, codes) {
  if (!codes.has("ipv6-broken") && !codes.has("ipv4-broken")) return [];
  const asked = observations.filter((one) => one.role === "target" || isControl(one));
  /** @param {4 | 6} version */
  const counted = (version) => {
    const seen = asked.filter(({ family }) => family === version);
    return { [`open${version}`]: seen.filter(isOpen).length, [`total${version}`]: seen.length };
  };
  return [[{ key: "why_families", values: { ...counted(4), ...counted(6) } }]];
}

/**
 * The issuer that certificates of several hosts share, where somebody opens encrypted connections.
 *
 * @param {Report} report
 * @param {Set<string>} codes
 * @returns {Reason[]}
 */
function certificates({ observations }, codes) {
  if (!codes.has("tls-intercepted")) return [];
  const shown = observations.filter(({ tls }) => tls?.issuer && tls.public_trusted !== true);
  const [most] = [...by(shown, ({ tls }) => tls?.issuer ?? "")].sort(([, one], [, other]) => other.length - one.length);
  if (!most || by(most[1], ({ host }) => host).size < 2) return [];
  return [[{ key: "why_issuer", values: { issuer: String(most[0]) } }]];
}

/**
 * @param {Report} report
 * @returns {Reason[]}
 */
function names(report) {
  const invented = report.names.filter(({ source, state }) => source === "random" && state === "ok");
  const addresses = [...new Set(invented.flatMap((answer) => answer.addresses))].slice(0, FEW);
  return addresses.length > 0 ? [[{ key: "why_random", values: { addresses } }]] : [];
}

/**
 * @param {Report} report
 * @returns {Reason[]}
 */
const page = ({ portal }) => (portal ? [[{ key: `why_portal_${portal.state}` }]] : []);

/**
 * @param {Report} report
 * @returns {Reason[]}
 */
const trace = (report) =>
  report.verdict.code !== "ok" && (report.trace === "impossible" || report.trace === "off")
    ? [[{ key: `why_trace_${report.trace}` }]]
    : [];

/** What is held against the target's failures, in the order of a table. */
const ROLES = /** @type {const} */ (["control", "relay", "gateway", "canary"]);

/**
 * Everything that was asked for comparison: a row for each server and port; `first` where the server is a new one.
 *
 * @param {Report} report
 * @returns {{host: string, role: typeof ROLES[number], port: number, seen: Observation[], first: boolean}[]}
 */
export function compared({ observations }) {
  const asked = observations.filter(({ role }) => role !== "target");
  const rows = [...by(asked, (one) => `${kind(one)} ${one.host} ${one.port}`).values()].flatMap((seen) =>
    seen.slice(0, 1).map((one) => ({ host: one.host, role: kind(one), port: one.port, seen })),
  );
  const hosts = [...new Set(rows.map(({ host }) => host))];
  const ordered = rows.sort(
    (one, other) =>
      ROLES.indexOf(one.role) - ROLES.indexOf(other.role) ||
      hosts.indexOf(one.host) - hosts.indexOf(other.host) ||
      one.port - other.port,
  );
  return ordered.map((row, index) => ({ ...row, first: ordered[index - 1]?.host !== row.host }));
}

/**
 * @param {Observation} observation
 * @returns {typeof ROLES[number]}
 */
function kind({ role, source }) {
  if (role === "control" && source === "gateway") return "gateway";
  return role === "target" ? "control" : role;
}

/**
 * Which sources of a domain told nothing because they could not be asked; what was refused is a finding.
 *
 * @param {Report} report
 * @param {import("./catalogue.js").Catalogue} catalogue
 * @returns {Reason[]}
 */
const lookups = (report, catalogue) =>
  (report.lookups ?? [])
    .filter(({ state, reason }) => state === "failed" && reason)
    .slice(0, FEW)
    .map(({ place, reason, value }) => [
      { key: "why_lookup", values: { place, why: refusal(reason ?? "", value, catalogue) } },
    ]);
