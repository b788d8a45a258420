/** @typedef {import("../types/messages.d.ts").Endpoint} Endpoint */
/** @typedef {import("../types/messages.d.ts").Observation} Observation */

/**
 * @typedef {{endpoint: Endpoint, observation: Observation | null}} EndpointRow
 * @typedef {{port: number, service: string, byFamily: Record<4 | 6, EndpointRow[]>}} PortGroup
 * @typedef {{host: string, families: (4 | 6)[], ports: PortGroup[]}} HostGroup
 */

/**
 * The target's endpoints as people look for them: by host in the order of the plan, by port in rising order, the
 * families side by side. An observation that no plan named has its place all the same.
 *
 * @param {readonly Endpoint[]} endpoints
 * @param {readonly Observation[]} observations
 * @returns {HostGroup[]}
 */
export function groupEndpoints(endpoints, observations) {
  const seen = new Map(observations.map((observation) => [observation.id, observation]));
  const planned = new Set(endpoints.map(({ id }) => id));
  const all = [...endpoints, ...observations.filter(({ id }) => !planned.has(id))];
  /** @type {Map<string, Map<number, PortGroup>>} */
  const hosts = new Map();
  for (const endpoint of all) {
    if (endpoint.role !== "target") continue;
    const ports = hosts.get(endpoint.host) ?? new Map();
    hosts.set(endpoint.host, ports);
    // What speaks on a port of no table is known when it has spoken, perhaps in one family only.
    const { service } = seen.get(endpoint.id) ?? endpoint;
    /** @type {PortGroup} */
    const group = ports.get(endpoint.port) ?? {
      port: endpoint.port,
      service,
      byFamily: { 4: [], 6: [] },
    };
    if (group.service === "unknown") group.service = service;
    ports.set(endpoint.port, group);
    group.byFamily[endpoint.family].push({ endpoint, observation: seen.get(endpoint.id) ?? null });
  }
  return [...hosts].map(([host, ports]) => {
    const groups = [...ports.values()].sort((one, other) => one.port - other.port);
    const families = /** @type {const} */ ([4, 6]).filter((family) =>
      groups.some(({ byFamily }) => byFamily[family].length > 0),
    );
    return { host, families, ports: groups };
  });
}

/**
 * How far a run is: endpoints of the target that have a final result, of all that are planned.
 *
 * @param {readonly Endpoint[]} endpoints
 * @param {readonly Observation[]} observations
 */
export function probeProgress(endpoints, observations) {
  const final = new Set(observations.filter(({ provisional }) => !provisional).map(({ id }) => id));
  const targets = endpoints.filter(({ role }) => role === "target");
  return { done: targets.filter(({ id }) => final.has(id)).length, total: targets.length };
}
