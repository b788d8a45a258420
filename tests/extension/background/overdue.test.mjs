import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";

import { NAP_MS } from "../../../extension/background/awake-timer.js";
import { DRAIN_MS } from "../../../extension/background/cancelled-check.js";
import { OVERDUE_MS } from "../../../extension/background/run-controller.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { background } from "../support/background.mjs";
import { endpoint, report } from "../support/records.mjs";

const LATE = { cause: "late", message: null };
const BUDGET = 5;
const OVERDUE = BUDGET * 1000 + OVERDUE_MS;

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => mock.timers.reset());

/** A host that has said hello and got a check. */
function checking(more = { now: () => Date.now() }) {
  const made = background(undefined, more);
  made.controller.popupOpened();
  made.ports[0].hello();
  made.controller.command({ type: "run", origin: "typed", target: "one.example", options: { budget: BUDGET } });
  return made;
}

test("a run whose host hangs fails some time after its budget, and the host is told", () => {
  const { controller, ports } = checking();
  ports[0].say({ type: "plan", id: "1", endpoints: [endpoint()] });
  mock.timers.tick(OVERDUE - 1);
  assert.equal(controller.run.phase, "running");
  mock.timers.tick(1);
  assert.equal(controller.run.phase, "failed");
  assert.deepEqual(controller.run.failure, LATE);
  assert.equal(controller.run.endpoints.length, 1);
  assert.deepEqual(ports[0].sent.at(-1), { type: "cancel", id: "1" });
  assert.equal(ports[0].closed, false);
});

test("a host that does not answer even then is parted with; one that does is kept", () => {
  const mute = checking();
  mock.timers.tick(OVERDUE);
  mock.timers.tick(DRAIN_MS);
  assert.equal(mute.ports[0].closed, true);
  assert.equal(mute.link.state.phase, "disconnected");
  assert.deepEqual(mute.controller.run.failure, LATE);
  assert.equal(mute.ports.length, 1);

  const slow = checking();
  mock.timers.tick(OVERDUE);
  slow.ports[0].say({ type: "report", id: "1", report: report() });
  mock.timers.tick(DRAIN_MS * 2);
  assert.equal(slow.ports[0].closed, false);
  assert.deepEqual(slow.controller.run.failure, LATE);
});

test("what is asked for while a host hangs is asked of the next", () => {
  const { controller, ports } = checking();
  mock.timers.tick(OVERDUE);
  controller.command({ type: "run", origin: "typed", target: "two.example" });
  mock.timers.tick(DRAIN_MS);
  assert.equal(ports[0].closed, true);
  assert.equal(controller.run.phase, "running");
  ports[1].hello();
  assert.deepEqual(ports[1].sent, [{ type: "check", id: "2", target: "two.example", options: {} }]);
  ports[1].say({ type: "report", id: "2", report: report() });
  assert.equal(controller.run.phase, "done");
});

test("a run that has ended, or that another took the place of, is not overdue", () => {
  const { controller, ports } = checking();
  mock.timers.tick(OVERDUE - 1);
  controller.command({ type: "run", origin: "typed", target: "two.example", options: { budget: BUDGET } });
  mock.timers.tick(1);
  ports[0].say({ type: "cancelled", id: "1" });
  mock.timers.tick(OVERDUE - 1);
  assert.equal(controller.run.phase, "running");
  ports[0].say({ type: "report", id: "2", report: report() });
  mock.timers.tick(OVERDUE);
  assert.equal(controller.run.phase, "done");
  assert.equal(ports[0].closed, false);
});

test("the budget begins when the host gets the check", () => {
  const { controller, ports } = background(undefined, { now: () => Date.now() });
  controller.command({ type: "run", origin: "typed", target: "one.example", options: { budget: BUDGET } });
  assert.equal(controller.run.until, Date.now() + BUDGET * 1000);
  mock.timers.tick(4000);
  ports[0].hello();
  assert.equal(controller.run.until, Date.now() + BUDGET * 1000);
  mock.timers.tick(OVERDUE - 1);
  assert.equal(controller.run.phase, "running");
  mock.timers.tick(1);
  assert.deepEqual(controller.run.failure, LATE);
});

test("a computer that has slept gives the check its time once more", () => {
  let slept = 0;
  const { controller } = checking({ now: () => Date.now() + slept });
  slept = NAP_MS + 1;
  mock.timers.tick(OVERDUE);
  assert.equal(controller.run.phase, "running");
  mock.timers.tick(OVERDUE);
  assert.deepEqual(controller.run.failure, LATE);
});

test("after the background was restarted, a run of before is over at once, wherever its budget stood", () => {
  for (const until of [Date.now() - 1, Date.now() + 60_000]) {
    const stored = { ...IDLE_RUN, id: "9", target: "example.org", phase: "running", until };
    const { controller, ports } = background(stored, { now: () => Date.now() });
    assert.deepEqual([controller.run.phase, controller.run.failure.cause], ["failed", "interrupted"]);
    mock.timers.tick(120_000);
    assert.equal(controller.run.failure.cause, "interrupted");
    assert.equal(ports.length, 0);
  }
});

test("every language says so", () => {
  for (const language of ["de", "en", "es", "fr", "it"]) {
    const place = new URL(`../../../extension/_locales/${language}/messages.json`, import.meta.url);
    assert.match(JSON.parse(readFileSync(place, "utf8")).ui_failed_late.message, /poterne doctor/);
  }
});
