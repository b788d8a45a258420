import assert from "node:assert/strict";
import { test } from "node:test";

import { DISCONNECTED, transition } from "../../../extension/core/link-state.js";

const after = (...events) => events.reduce(transition, DISCONNECTED);
const open = { type: "open" };
const hello = { type: "hello", protocol: 1, version: "0.1.0" };
const lost = (text, inUse = false) => ({ type: "lost", text, inUse });

test("a host that says hello is ready", () => {
  assert.deepEqual(after(open), { phase: "starting", cause: null, version: null, detail: null });
  assert.deepEqual(after(open, hello), { phase: "ready", cause: null, version: "0.1.0", detail: null });
});

test("every way to fail while starting has its cause", () => {
  assert.equal(after(open, lost("Specified native messaging host not found.")).cause, "host-missing");
  assert.equal(after(open, lost(null)).cause, "host-crashed");
  assert.equal(after(open, { type: "silence" }).cause, "host-crashed");
  assert.equal(after(open, { type: "stray" }).cause, "host-outdated");
  assert.equal(after(open, { ...hello, protocol: 0 }).cause, "host-outdated");
  assert.equal(after(open, { ...hello, protocol: 2 }).cause, "extension-outdated");
  for (const event of [lost(null), { type: "silence" }, { type: "stray" }]) {
    assert.equal(after(open, event).phase, "failed");
  }
});

test("the browser's words are kept", () => {
  assert.equal(after(open, lost("Native host has exited.")).detail, "Native host has exited.");
});

test("a host that goes while nobody uses it is only gone", () => {
  assert.equal(after(open, hello, lost("Native host has exited.", false)), DISCONNECTED);
  assert.equal(after(open, hello, lost("Native host has exited.", true)).cause, "host-crashed");
});

test("the cause stays in sight while the host is tried again, and goes when it is ready", () => {
  const again = after(open, lost("Specified native messaging host not found."), open);
  assert.equal(again.phase, "starting");
  assert.equal(again.cause, "host-missing");
  assert.equal(transition(again, hello).cause, null);
});

test("events that mean nothing in a state leave it alone", () => {
  const ready = after(open, hello);
  const failed = after(open, lost(null));
  for (const event of [open, hello, { type: "stray" }, { type: "silence" }])
    assert.equal(transition(ready, event), ready);
  for (const event of [hello, lost(null), { type: "close" }, { type: "silence" }, { type: "stray" }]) {
    assert.equal(transition(failed, event), failed);
    assert.equal(transition(DISCONNECTED, event), DISCONNECTED);
  }
});

test("closing ends a start and a connection", () => {
  assert.equal(after(open, { type: "close" }), DISCONNECTED);
  assert.equal(after(open, hello, { type: "close" }), DISCONNECTED);
});
