import assert from "node:assert/strict";
import { test } from "node:test";

import {
  beginRun,
  failRun,
  IDLE_RUN,
  isFinalMessage,
  receiveMessage,
  runResults,
  stopRun,
} from "../../../extension/core/run.js";
import { endpoint, finding, observation, report } from "../support/records.mjs";

const running = beginRun("1", "smtp.example.org");
const after = (...messages) => messages.map((message) => ({ id: "1", ...message })).reduce(receiveMessage, running);

test("a run begins without anything of the run before it", () => {
  assert.deepEqual(running, { ...IDLE_RUN, id: "1", target: "smtp.example.org", phase: "running" });
});

test("a later plan replaces an earlier one", () => {
  const one = [endpoint()];
  const two = [endpoint(), endpoint({ id: "o2", family: 6 })];
  assert.equal(after({ type: "plan", endpoints: one }, { type: "plan", endpoints: two }).endpoints, two);
});

test("a provisional observation is replaced by the one with the same id", () => {
  const waiting = observation({ state: "no-answer", provisional: true });
  const final = observation({ state: "open" });
  const run = after({ type: "observation", observation: waiting }, { type: "observation", observation: final });
  assert.deepEqual(runResults(run).observations, [final]);
});

test("a finding replaces only its like", () => {
  const first = finding({ confidence: "possible" });
  const again = finding({ confidence: "certain" });
  const other = finding({ port: 587 });
  const run = after(
    { type: "finding", finding: first },
    { type: "finding", finding: other },
    { type: "finding", finding: again },
  );
  assert.deepEqual(runResults(run).findings, [other, again]);
});

test("the report ends the run and is what is known from then on", () => {
  const early = observation({ state: "no-answer", provisional: true });
  const final = observation();
  const run = after(
    { type: "plan", endpoints: [endpoint()] },
    { type: "observation", observation: early },
    { type: "report", report: report({ observations: [final] }) },
  );
  assert.equal(run.phase, "done");
  assert.deepEqual(runResults(run).observations, [final]);
  assert.equal(runResults(run).verdict.code, "ok");
  assert.equal(run.endpoints.length, 1);
  assert.deepEqual(run.observations, {});
});

test("a report comes with the network's name, and with the one of before where the host knows it", () => {
  const named = (more) => after({ type: "report", report: report(), ...more });
  const { network, networkBefore } = named({ network: "now", network_before: "then" });
  assert.deepEqual([network, networkBefore], ["now", "then"]);
  const older = named({ network: "then" });
  assert.deepEqual([older.network, older.networkBefore], ["then", null]);
});

test("messages of another run, and after the end, change nothing", () => {
  assert.equal(receiveMessage(running, { type: "plan", id: "2", endpoints: [endpoint()] }), running);
  const stopped = stopRun(running);
  assert.equal(receiveMessage(stopped, { type: "report", id: "1", report: report() }), stopped);
  assert.equal(receiveMessage(running, { type: "error", id: null, code: "internal", message: "…" }), running);
});

test("refused input leaves the page idle, with the reason", () => {
  for (const code of ["invalid-target", "forbidden"]) {
    const run = after({ type: "error", code, message: "No." });
    assert.deepEqual(run, { ...IDLE_RUN, target: "smtp.example.org", refusal: { code, message: "No." } });
  }
});

test("other errors fail the run", () => {
  const run = after({ type: "error", code: "internal", message: "Out of memory." });
  assert.equal(run.phase, "failed");
  assert.deepEqual(run.failure, { cause: "internal", message: "Out of memory." });
});

test("only a run that is going can stop or fail", () => {
  assert.equal(stopRun(IDLE_RUN), IDLE_RUN);
  const done = after({ type: "report", report: report() });
  assert.equal(failRun(done, { cause: "host", message: null }), done);
  assert.equal(after({ type: "cancelled" }).phase, "stopped");
});

test("what is last under an id", () => {
  const last = ["report", "cancelled", "error"].map((type) => isFinalMessage({ type }));
  const more = ["plan", "observation", "finding", "settings", "hello"].map((type) => isFinalMessage({ type }));
  assert.deepEqual([...new Set(last)], [true]);
  assert.deepEqual([...new Set(more)], [false]);
});

test("a page's word stays a page's word when it was refused", () => {
  const run = beginRun("1", "10.0.0.1:25", { origin: "page", page: { tab: 1, token: "t", server: "s0" } });
  const refused = receiveMessage(run, { type: "error", id: "1", code: "forbidden", message: "no" });
  assert.equal(refused.origin, "page");
  assert.deepEqual(refused.page, run.page);
});
