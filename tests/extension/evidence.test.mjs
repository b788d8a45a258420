import assert from "node:assert/strict";
import { test } from "node:test";

import { compared, reasons, traced } from "../../extension/shared/evidence.js";
import { finding, observation, report, way } from "./records.mjs";

const CONTROLS = ["mx.alpha.example", "mx.beta.example", "mx.gamma.example"];

const control = (host, port, changes = {}) =>
  observation({
    id: `${host} ${port} ${changes.family ?? 4}`,
    role: "control",
    source: "default",
    host,
    port,
    ...changes,
  });
const silent = (changes) => observation({ state: "no-answer", ...changes });
const hop = (step, address, answer = "time-exceeded") => ({ hop: step, address, name: null, answer });

/** The sayings of a report, flat, by key. */
const keys = (changes) => reasons(report(changes)).map((reason) => reason.map(({ key }) => key));
const saying = (key, changes) =>
  reasons(report(changes))
    .flat()
    .find((one) => one.key === key);

test("a report without evidence has no reasons", () => assert.deepEqual(keys({}), []));

test("a port counts as answering where one address of it does", () => {
  const observations = [
    silent({ id: "o1", port: 25 }),
    silent({ id: "o2", port: 587 }),
    observation({ id: "o3", port: 587, family: 6 }),
  ];
  assert.deepEqual(keys({ observations }), [["why_target", "why_silent"]]);
  assert.deepEqual(saying("why_target", { observations }).values.ports, [587]);
  assert.deepEqual(saying("why_silent", { observations }).values.ports, [25]);
});

test("controls are counted by host: what none, some and all of them did", () => {
  const observations = CONTROLS.flatMap((host, place) => [
    control(host, 25, { state: "no-answer" }),
    control(host, 25, { state: "refused", family: 6 }),
    control(host, 465),
    control(host, 587, { state: place === 0 ? "open" : "no-answer" }),
  ]);
  assert.deepEqual(keys({ observations }), [
    ["why_controls", "why_controls_none", "why_controls_some", "why_controls_all"],
  ]);
  assert.equal(saying("why_controls", { observations }).count, 3);
  assert.deepEqual(saying("why_controls_none", { observations }).values.ports, [25]);
  assert.deepEqual(saying("why_controls_some", { observations }).values, { port: 587, count: 1, total: 3 });
});

test("the home box is no control", () => {
  const box = control("192.168.1.1", 25, { source: "gateway", address: "192.168.1.1", state: "refused" });
  assert.deepEqual(keys({ observations: [box] }), [["why_gateway_answers"]]);
  assert.deepEqual(keys({ observations: [{ ...box, state: "no-answer" }] }), [["why_gateway_silent"]]);
});

test("who refused is told by the address", () => {
  const machine = { addresses: ["10.0.0.5"], networks: [], gateways: ["10.0.0.1"] };
  const who = (reporter, changes = {}) => {
    const observations = [observation({ state: "prohibited", reporter, port: 25, address: "192.0.2.7" })];
    return saying("why_reporter", { observations, machine, ...changes }).values.who;
  };
  assert.equal(who("10.0.0.5"), "you");
  assert.equal(who("10.0.0.1"), "box");
  assert.equal(who("10.9.9.9", { way: way({ box: "10.9.9.9" }) }), "box");
  assert.equal(who("192.0.2.7"), "server");
  assert.equal(who("198.51.100.1"), "router");
});

test("a way that ends is held against one that goes on", () => {
  const failing = silent({ id: "o25", port: 25, path: [hop(1, "10.0.0.1"), hop(2, null, "silent")] });
  const working = observation({ id: "o465", port: 465, path: [hop(1, "10.0.0.1"), hop(2, "192.0.2.7", "open")] });
  const stranger = observation({ id: "o0", port: 465, address: "192.0.2.8", path: [hop(1, "10.0.0.1")] });
  const observations = [stranger, failing, working];
  assert.deepEqual(traced(report({ observations })), [{ failing, beside: working }]);
  assert.deepEqual(keys({ observations }).at(-1), ["why_path", "why_path_through"]);
  assert.deepEqual(saying("why_path", { observations }).values, { port: 25, hop: 1, address: "10.0.0.1" });
});

test("a connection that could not leave this computer has no way", () => {
  const observations = [observation({ state: "refused", port: 25, path: [hop(0, "10.0.0.5", "refused")] })];
  assert.deepEqual(keys({ observations }), [["why_target_none", "why_refused"], ["why_local"]]);
});

test("an answer from nobody's address is an interceptor's", () => {
  const canary = (changes) => observation({ role: "canary", source: "canary", host: "192.0.2.1", ...changes });
  assert.deepEqual(keys({ observations: [canary({ state: "no-answer" })] }), [["why_canary_silent"]]);
  assert.deepEqual(keys({ observations: [canary({ port: 25 })] }), [["why_canary_open"]]);
});

test("families are compared only where one is found broken", () => {
  const observations = [observation({ id: "o1" }), silent({ id: "o2", family: 6 })];
  const findings = [finding({ code: "ipv6-broken" })];
  assert.equal(saying("why_families", { observations }), undefined);
  assert.deepEqual(saying("why_families", { observations, findings }).values, {
    open4: 1,
    total4: 1,
    open6: 0,
    total6: 1,
  });
});

test("a trace that could not be is said beside a problem only", () => {
  assert.deepEqual(keys({ trace: "impossible" }), []);
  const verdict = { code: "unproven", severity: "blocker", confidence: "possible" };
  assert.deepEqual(keys({ trace: "impossible", verdict }), [["why_trace_impossible"]]);
});

test("the table of comparison has a row for a host and port, controls first, families together", () => {
  const observations = [
    observation(),
    observation({ role: "canary", source: "canary", host: "192.0.2.1", port: 25, state: "no-answer" }),
    control("10.0.0.1", 25, { source: "gateway" }),
    control("mx.alpha.example", 587),
    control("mx.alpha.example", 25, { family: 6 }),
    control("mx.alpha.example", 25),
    observation({ role: "relay", host: "smtp.isp.example", port: 25 }),
  ];
  assert.deepEqual(
    compared(report({ observations })).map(({ role, host, port, seen, first }) => [
      role,
      host,
      port,
      seen.length,
      first,
    ]),
    [
      ["control", "mx.alpha.example", 25, 2, true],
      ["control", "mx.alpha.example", 587, 1, false],
      ["relay", "smtp.isp.example", 25, 1, true],
      ["gateway", "10.0.0.1", 25, 1, true],
      ["canary", "192.0.2.1", 25, 1, true],
    ],
  );
});
