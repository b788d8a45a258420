import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { DRAIN_MS } from "../../../extension/background/cancelled-check.js";
import { LINGER_MS } from "../../../extension/background/idle-close.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { background } from "../support/background.mjs";
import { endpoint, report } from "../support/records.mjs";

const check = (id, target) => ({ type: "check", id, target, options: {} });

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

test("opening a popup starts the host", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  assert.equal(ports.length, 1);
  assert.deepEqual(ports[0].sent, []);
});

test("a run that is asked for before hello is posted after it", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  assert.equal(controller.run.phase, "running");
  assert.deepEqual(ports[0].sent, []);
  ports[0].hello();
  assert.deepEqual(ports[0].sent, [check("1", "example.org")]);
});

test("of a web address nothing but the host is kept or sent, whoever asks", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.command({ type: "run", origin: "typed", target: "https://jane:secret@mail.example.org/?t=secret" });
  assert.equal(controller.run.target, "https://mail.example.org");
  assert.deepEqual(ports[0].sent, [check("1", "https://mail.example.org")]);
});

test("the run goes on while no popup is there, and the host stays for it", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  controller.popupClosed();
  mock.timers.tick(LINGER_MS * 2);
  assert.equal(ports[0].closed, false);
  ports[0].say({ type: "plan", id: "1", endpoints: [endpoint()] });
  controller.popupOpened();
  assert.equal(controller.run.endpoints.length, 1);
  assert.equal(controller.run.phase, "running");
});

test("the host goes some time after the last popup is gone and no run is going", () => {
  const { controller, link, ports } = background();
  controller.popupOpened();
  controller.popupOpened();
  ports[0].hello();
  controller.popupClosed();
  mock.timers.tick(LINGER_MS * 2);
  assert.equal(ports[0].closed, false);
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  controller.popupClosed();
  ports[0].say({ type: "report", id: "1", report: report() });
  mock.timers.tick(LINGER_MS - 1);
  assert.equal(ports[0].closed, false);
  mock.timers.tick(1);
  assert.equal(ports[0].closed, true);
  assert.equal(link.state.phase, "disconnected");
  assert.equal(controller.run.phase, "done");
});

test("a popup that comes back in time keeps the host", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.popupClosed();
  mock.timers.tick(LINGER_MS - 1);
  controller.popupOpened();
  mock.timers.tick(LINGER_MS);
  assert.equal(ports[0].closed, false);
});

test("stop cancels, and is shown at once", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  controller.command({ type: "stop" });
  assert.equal(controller.run.phase, "stopped");
  assert.deepEqual(ports[0].sent.at(-1), { type: "cancel", id: "1" });
  ports[0].say({ type: "report", id: "1", report: report() });
  assert.equal(controller.run.phase, "stopped");
});

test("a new run waits until the cancelled one has ended", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.command({ type: "run", origin: "typed", target: "one.example" });
  controller.command({ type: "run", origin: "typed", target: "two.example" });
  assert.deepEqual(ports[0].sent, [check("1", "one.example"), { type: "cancel", id: "1" }]);
  ports[0].say({ type: "cancelled", id: "1" });
  assert.deepEqual(ports[0].sent.at(-1), check("2", "two.example"));
  assert.equal(controller.run.phase, "running");
});

test("a host that does not confirm a cancellation does not hold the next run back for ever", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.command({ type: "run", origin: "typed", target: "one.example" });
  controller.command({ type: "run", origin: "typed", target: "two.example" });
  mock.timers.tick(DRAIN_MS);
  assert.deepEqual(ports[0].sent.at(-1), check("2", "two.example"));
});

test("a run that is stopped before it was posted is never posted", () => {
  const { controller, ports } = background();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  controller.command({ type: "stop" });
  ports[0].hello();
  assert.deepEqual(ports[0].sent, []);
  assert.equal(controller.run.phase, "stopped");
});

test("a host that dies in the middle fails the run and keeps what was seen", () => {
  const { controller, link, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  ports[0].say({ type: "plan", id: "1", endpoints: [endpoint()] });
  ports[0].die("Native host has exited.");
  assert.equal(link.state.cause, "host-crashed");
  assert.equal(controller.run.phase, "failed");
  assert.equal(controller.run.endpoints.length, 1);
});

test("a check that no host saw waits in the field", () => {
  const { controller, link, ports } = background();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  ports[0].die("Specified native messaging host not found.");
  assert.equal(link.state.cause, "host-missing");
  assert.deepEqual(controller.run, { ...IDLE_RUN, target: "example.org" });
});

test("a private check that no host saw stays private, and is forgotten with the last private window", () => {
  const { controller, ports } = background();
  controller.command({ type: "run", origin: "typed", target: "secret@private.example", private: true });
  ports[0].die("Specified native messaging host not found.");
  assert.deepEqual(controller.run, { ...IDLE_RUN, target: "secret@private.example", private: true });
  controller.forgetPrivate();
  assert.deepEqual(controller.run, IDLE_RUN);
});

test("after a failure the host is started again by a command, a popup or a run", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].die();
  controller.command({ type: "warm" });
  ports[1].die();
  controller.popupOpened();
  ports[2].die();
  controller.command({ type: "run", origin: "typed", target: "example.org" });
  ports[3].hello();
  assert.deepEqual(ports[3].sent, [check("1", "example.org")]);
});

test("a stored run that was going when the background was stopped is over; a finished one stays", () => {
  const going = { ...IDLE_RUN, id: "9", target: "example.org", phase: "running" };
  const { controller } = background(going);
  assert.equal(controller.run.phase, "failed");
  assert.deepEqual(controller.run.failure, { cause: "interrupted", message: null });
  const done = { ...IDLE_RUN, id: "9", target: "example.org", phase: "done", report: report() };
  assert.equal(background(done).controller.run, done);
});

test("what a page named is tested as what a page named", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  const page = { tab: 7, token: "t", server: "s0" };
  controller.command({ type: "run", target: "smtp.example.org:25", origin: "page", page });
  assert.deepEqual(ports[0].sent[0].options, { origin: "page" });
  assert.deepEqual(controller.run.page, page);
  controller.command({ type: "run", target: "smtp.example.org:25", origin: "typed" });
  assert.deepEqual(ports[0].sent.at(-1).options ?? {}, {});
});

test("a target of which nobody says who named it is a page's", () => {
  const { controller, ports } = background();
  controller.popupOpened();
  ports[0].hello();
  for (const command of [{ options: { origin: "typed" } }, { origin: null }, { origin: "user" }]) {
    controller.command({ type: "run", target: "192.168.1.1:80", ...command });
    assert.equal(controller.run.origin, "page");
    ports[0].say({ type: "cancelled", id: controller.run.id });
    controller.command({ type: "stop" });
    ports[0].say({ type: "cancelled", id: controller.run.id });
  }
  const checks = ports[0].sent.filter(({ type }) => type === "check");
  assert.deepEqual(
    checks.map(({ options }) => options.origin),
    ["page", "page", "page"],
  );
});
