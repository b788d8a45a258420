import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { ANSWER_MS } from "../../../extension/background/host-requests.js";
import { LINGER_MS } from "../../../extension/background/idle-close.js";
import { withoutEvidence } from "../../../extension/core/export-formats.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { background } from "../support/background.mjs";
import { endpoint, observation, report, setting } from "../support/records.mjs";

const REPORT = report({
  settings: { outgoing: [setting()], incoming: [] },
  observations: [observation()],
});
const DONE = { ...IDLE_RUN, id: "r", target: "smtp.example.org", phase: "done", report: REPORT };
const WISH = { type: "export", format: "text", language: "fr" };
const FILE = { name: "example.org.txt", mime: "text/plain", data: "é" };

/** What was answered by now. */
async function now(promise) {
  const none = Symbol("none");
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  return Promise.race([promise, Promise.resolve(none)]).then((answer) => (answer === none ? null : answer));
}

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

test("a file is asked of the host with a slim report, and answered by its id", async () => {
  const { controller, ports } = background(DONE);
  controller.popupOpened();
  ports[0].hello();
  const made = controller.export(WISH);
  assert.deepEqual(ports[0].sent, [{ ...WISH, id: "1", report: withoutEvidence(REPORT) }]);
  ports[0].say({ type: "exported", id: "another", ...FILE });
  assert.equal(await now(made), null);
  ports[0].say({ type: "exported", id: "1", ...FILE });
  assert.deepEqual(await now(made), FILE);
  assert.equal(controller.run, DONE, "the run is what it was");
});

test("a host that has gone is started again, and goes again where no popup needs it", async () => {
  const { controller, link, ports } = background(DONE);
  const made = controller.export(WISH);
  assert.deepEqual(ports[0].sent, []);
  mock.timers.tick(LINGER_MS / 2);
  ports[0].hello();
  assert.equal(ports[0].sent.length, 1);
  ports[0].say({ type: "exported", id: "1", ...FILE });
  assert.deepEqual(await now(made), FILE);
  assert.equal(link.state.phase, "ready");
  mock.timers.tick(LINGER_MS);
  assert.equal(ports[0].closed, true);
  controller.export(WISH);
  ports[1].hello();
  assert.equal(ports[1].sent[0].id, "2");
});

test("the host is not closed while a file is awaited", () => {
  const { controller, ports } = background(DONE);
  controller.popupOpened();
  ports[0].hello();
  controller.export(WISH);
  controller.popupClosed();
  mock.timers.tick(LINGER_MS);
  assert.equal(ports[0].closed, false);
});

test("two wishes at once get each its own file", async () => {
  const { controller, ports } = background(DONE);
  const wishes = [controller.export(WISH), controller.export({ ...WISH, format: "json" })];
  ports[0].hello();
  assert.deepEqual(
    ports[0].sent.map(({ id, format }) => [id, format]),
    [
      ["1", "text"],
      ["2", "json"],
    ],
  );
  ports[0].say({ type: "exported", id: "2", ...FILE, name: "two" });
  ports[0].say({ type: "exported", id: "1", ...FILE, name: "one" });
  assert.deepEqual(await Promise.all(wishes.map(async (wish) => (await wish).name)), ["one", "two"]);
});

test("a host that knows no files has to be upgraded; one that refused says why", async () => {
  const { controller, ports } = background(DONE);
  const words = '"type" is neither "check" nor "cancel"';
  const first = controller.export(WISH);
  ports[0].hello();
  ports[0].say({ type: "error", id: "1", code: "invalid-message", message: words });
  assert.deepEqual(await now(first), { problem: "outdated", message: words });
  const second = controller.export(WISH);
  ports[0].say({ type: "error", id: "2", code: "invalid-message", message: "there is none" });
  assert.deepEqual(await now(second), { problem: "refused", message: "there is none" });
  assert.equal(controller.run, DONE);
});

test("a host that cannot be had, ends or keeps silent leaves no wish unanswered", async () => {
  const { controller, link, ports } = background(DONE);
  const missing = controller.export(WISH);
  ports[0].die("Specified native messaging host not found.");
  assert.deepEqual(await now(missing), { problem: "host", message: null });
  assert.equal(link.state.cause, "host-missing");
  const killed = controller.export(WISH);
  ports[1].hello();
  ports[1].die("Native host has exited.");
  assert.deepEqual(await now(killed), { problem: "host", message: null });
  const slow = controller.export(WISH);
  ports[2].hello();
  mock.timers.tick(ANSWER_MS);
  assert.deepEqual(await now(slow), { problem: "late", message: null });
  ports[2].say({ type: "exported", id: "3", ...FILE });
  assert.equal(controller.busy, false);
});

test("a check that goes on beside it is not touched, and without a report there is no file", async () => {
  const { controller, ports } = background(DONE);
  controller.popupOpened();
  ports[0].hello();
  const made = controller.export(WISH);
  controller.command({ type: "run", target: "example.org" });
  ports[0].say({ type: "plan", id: "2", endpoints: [endpoint()] });
  ports[0].say({ type: "error", id: "1", code: "internal", message: "a fault" });
  assert.deepEqual(await now(made), { problem: "refused", message: "a fault" });
  assert.equal(controller.run.phase, "running");
  assert.equal((await controller.export(WISH)).problem, "refused");
  assert.equal(ports[0].sent.filter(({ type }) => type === "export").length, 1);
});

test("a report of before is told by the host, which is let go afterwards", async () => {
  const { controller, ports } = background(DONE);
  const { told: _, ...old } = REPORT;
  const asked = controller.explained(old);
  ports[0].hello();
  assert.deepEqual(ports[0].sent, [{ type: "explain", id: "1", report: old }]);
  ports[0].say({ type: "report", id: "1", report: REPORT, network: null });
  assert.deepEqual(await now(asked), REPORT);
  assert.equal(controller.run, DONE, "it is no run's report");
  await now(asked);
  mock.timers.tick(LINGER_MS);
  assert.equal(ports[0].closed, true);
});

test("where the host cannot tell it, a report of before stays as it is", async () => {
  const { controller, ports } = background(DONE);
  const asked = controller.explained(REPORT);
  ports[0].hello();
  ports[0].say({ type: "error", id: "1", code: "invalid-message", message: '"type" is neither "check" nor "cancel"' });
  assert.equal(await now(asked), null);
});

test("a host whose report tells nothing is outdated, and the target waits for another", () => {
  const { controller, link, ports } = background();
  controller.command({ type: "run", target: "example.org", origin: "typed" });
  ports[0].hello();
  const { told: _, ...old } = REPORT;
  ports[0].say({ type: "report", id: "1", report: old, network: null });
  assert.deepEqual([link.state.phase, link.state.cause], ["failed", "host-outdated"]);
  assert.deepEqual([controller.run.phase, controller.run.target, controller.run.report], ["idle", "example.org", null]);
});
