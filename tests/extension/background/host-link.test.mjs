import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { HELLO_TIMEOUT_MS, HostLink } from "../../../extension/background/host-link.js";
import { FakePort } from "../support/fake-port.mjs";

function linked(changes = {}) {
  const ports = [];
  const messages = [];
  const phases = [];
  const link = new HostLink({
    connect: () => ports[ports.push(new FakePort()) - 1],
    lastError: () => null,
    inUse: () => true,
    onState: ({ phase }) => phases.push(phase),
    onMessage: (message) => messages.push(message),
    ...changes,
  });
  return { link, ports, messages, phases };
}

test("one port is opened, however often it is asked for", () => {
  const { link, ports } = linked();
  link.open();
  link.open();
  ports[0].hello();
  link.open();
  assert.equal(ports.length, 1);
  link.close();
});

test("nothing is posted before hello", () => {
  const { link, ports } = linked();
  const cancel = { type: "cancel", id: "1" };
  assert.equal(link.post(cancel), false);
  link.open();
  assert.equal(link.post(cancel), false);
  ports[0].hello();
  assert.equal(link.post(cancel), true);
  assert.deepEqual(ports[0].sent, [cancel]);
  link.close();
});

test("messages pass only after hello, and only of the port that is open", () => {
  const { link, ports, messages } = linked();
  link.open();
  ports[0].hello();
  ports[0].say({ type: "plan", id: "1", endpoints: [] });
  ports[0].say("noise");
  link.close();
  link.open();
  ports[0].say({ type: "plan", id: "2", endpoints: [] });
  ports[1].hello();
  ports[1].say({ type: "plan", id: "3", endpoints: [] });
  assert.deepEqual(
    messages.map(({ id }) => id),
    ["1", "3"],
  );
  link.close();
});

test("the end of a port that was given up does not touch the one after it", () => {
  const { link, ports } = linked();
  link.open();
  ports[0].hello();
  link.close();
  link.open();
  ports[1].hello();
  ports[0].die("Native host has exited.");
  assert.equal(link.state.phase, "ready");
  assert.equal(link.post({ type: "cancel", id: "1" }), true);
  link.close();
});

test("a host that does not say hello in time has crashed, and its port is closed", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { link, ports } = linked();
    link.open();
    mock.timers.tick(HELLO_TIMEOUT_MS - 1);
    assert.equal(link.state.phase, "starting");
    mock.timers.tick(1);
    assert.equal(link.state.cause, "host-crashed");
    assert.equal(ports[0].closed, true);
  } finally {
    mock.timers.reset();
  }
});

test("the timer of hello does not outlive hello", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { link, ports } = linked();
    link.open();
    ports[0].hello();
    mock.timers.tick(HELLO_TIMEOUT_MS * 2);
    assert.equal(link.state.phase, "ready");
  } finally {
    mock.timers.reset();
  }
});

test("the reason of a loss comes from the port (Firefox) or from lastError (Chromium)", () => {
  const firefox = linked();
  firefox.link.open();
  firefox.ports[0].die("No such native application org.poterne.host");
  assert.equal(firefox.link.state.cause, "host-missing");
  const chromium = linked({ lastError: () => "Access to the specified native messaging host is forbidden." });
  chromium.link.open();
  chromium.ports[0].die();
  assert.equal(chromium.link.state.cause, "host-forbidden");
});

test("a browser that throws on connecting is a failure, not an exception", () => {
  const { link } = linked({
    connect: () => {
      throw new Error("Access to the native messaging host was disabled by the system administrator.");
    },
  });
  link.open();
  assert.equal(link.state.cause, "host-blocked-by-policy");
});

test("a host that died unnoticed fails the post", () => {
  const { link, ports } = linked();
  link.open();
  ports[0].hello();
  ports[0].closed = true;
  assert.equal(link.post({ type: "cancel", id: "1" }), false);
  assert.equal(link.state.cause, "host-crashed");
});

test("a stored failure is remembered, a stored connection is not", () => {
  const failed = { phase: "failed", cause: "host-missing", version: null, detail: null };
  assert.equal(linked({ state: failed }).link.state, failed);
  const ready = { phase: "ready", cause: null, version: "0.1.0", detail: null };
  assert.equal(linked({ state: ready }).link.state.phase, "disconnected");
});
