import assert from "node:assert/strict";
import { test } from "node:test";

import { groupEndpoints, probeProgress } from "../../../extension/core/endpoint-groups.js";
import { endpoint, observation } from "../support/records.mjs";

test("hosts keep the order of the plan, ports rise, families stand side by side", () => {
  const plan = [
    endpoint({ id: "o1", host: "smtp.example", port: 587, family: 6 }),
    endpoint({ id: "o2", host: "smtp.example", port: 25, family: 4 }),
    endpoint({ id: "o3", host: "imap.example", port: 993, family: 4 }),
    endpoint({ id: "o4", host: "smtp.example", port: 587, family: 4 }),
  ];
  const groups = groupEndpoints(plan, [observation({ id: "o4", port: 587 })]);
  assert.deepEqual(
    groups.map(({ host, families, ports }) => [host, families, ports.map(({ port }) => port)]),
    [
      ["smtp.example", [4, 6], [25, 587]],
      ["imap.example", [4], [993]],
    ],
  );
  const [, submission] = groups[0].ports;
  assert.equal(submission.byFamily[4][0].observation.id, "o4");
  assert.equal(submission.byFamily[6][0].observation, null);
});

test("several addresses of one family have a row each", () => {
  const plan = [endpoint({ id: "o1" }), endpoint({ id: "o2", address: "192.0.2.8" })];
  assert.equal(groupEndpoints(plan, [])[0].ports[0].byFamily[4].length, 2);
});

test("what speaks on a port of no table is known when it has spoken, be it in one family", () => {
  const plan = [
    endpoint({ id: "o1", port: 1143, family: 6, service: "unknown" }),
    endpoint({ id: "o2", port: 1143, family: 4, service: "unknown" }),
  ];
  const service = (/** @type {any[]} */ seen) => groupEndpoints(plan, seen)[0].ports[0].service;
  assert.equal(service([]), "unknown");
  assert.equal(service([observation({ id: "o1", port: 1143, family: 6, service: "imap" })]), "imap");
  assert.equal(service([observation({ id: "o2", port: 1143, family: 4, service: "imap" })]), "imap");
});

test("controls are evidence, not rows", () => {
  const plan = [endpoint(), endpoint({ id: "c1", role: "control", host: "mx.alpha.example" })];
  assert.deepEqual(
    groupEndpoints(plan, []).map(({ host }) => host),
    ["smtp.example.org"],
  );
  assert.deepEqual(probeProgress(plan, []), { done: 0, total: 1 });
});

test("an observation that no plan named has its row", () => {
  assert.equal(groupEndpoints([], [observation()])[0].ports[0].byFamily[4][0].observation.id, "o1");
});

test("a provisional result is not progress", () => {
  const plan = [endpoint({ id: "o1" }), endpoint({ id: "o2" })];
  const seen = [observation({ id: "o1", provisional: true }), observation({ id: "o2" })];
  assert.deepEqual(probeProgress(plan, seen), { done: 1, total: 2 });
});
