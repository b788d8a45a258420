/** Records of the model with ordinary values, for tests to change. */

export const says = (key, values = {}, count = null) => ({ key, values, count });

export const endpoint = (changes = {}) => ({
  id: "o1",
  role: "target",
  host: "smtp.example.org",
  address: "192.0.2.7",
  family: 4,
  port: 587,
  service: "submission",
  asked: "starttls",
  source: "typed",
  ...changes,
});

export const observation = (changes = {}) => ({
  ...endpoint(),
  state: "open",
  reporter: null,
  attempts: 1,
  greeting: "220 smtp.example.org ESMTP",
  greeting_kind: "accepted",
  spoke: "submission",
  capabilities: [],
  capabilities_clear: [],
  auth: [],
  auth_clear: [],
  security: "starttls",
  starttls: "accepted",
  tls: null,
  path: [],
  stages: {},
  error: null,
  provisional: false,
  says: says("ui_outcome_encrypted"),
  ...changes,
});

export const finding = (changes = {}) => ({
  code: "port-closed",
  severity: "note",
  confidence: "certain",
  host: "smtp.example.org",
  port: 25,
  family: null,
  params: {},
  evidence: [],
  says: says("ui_unknown_value"),
  advice: null,
  party: "server",
  ...changes,
});

export const setting = (changes = {}) => ({
  protocol: "smtp",
  host: "smtp.example.org",
  port: 465,
  security: "tls",
  auth: ["password"],
  username: "unknown",
  verified: true,
  source: "typed",
  ...changes,
});

export const way = (changes = {}) => ({
  stops_from: "box",
  stops_to: "provider",
  stopped: [25],
  passing: [465, 587],
  box: null,
  provider: null,
  traced: false,
  ...changes,
});

export const told = (changes = {}) => ({
  headline: says("ok"),
  word: says("past_word_works"),
  remedy: null,
  advice: [],
  party: null,
  message: null,
  way: [],
  reasons: [],
  hints: [],
  expected: null,
  comparison: [],
  paths: [],
  help: [],
  ...changes,
});

export const report = (changes = {}) => ({
  schema: 1,
  version: "0.1.0",
  target: {
    input: "smtp.example.org",
    kind: "server",
    domain: null,
    host: "smtp.example.org",
    port: null,
    asked: null,
  },
  options: { ports: null, family: null, relay: null, trace: true, budget: 30 },
  verdict: { code: "ok", severity: "good", confidence: "certain" },
  findings: [finding({ code: "ok", severity: "good", port: null })],
  settings: { outgoing: [], incoming: [] },
  names: [],
  observations: [],
  online: true,
  machine: { addresses: [], networks: [], gateways: [] },
  portal: null,
  trace: "unasked",
  way: null,
  hints: [],
  told: told(),
  started_at: "2026-11-24T05:00:00Z",
  elapsed_ms: 812,
  lab: false,
  ...changes,
});
