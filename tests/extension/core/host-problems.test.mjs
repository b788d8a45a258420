import assert from "node:assert/strict";
import { test } from "node:test";

import { problemInBrowserText, problemOfProtocol, PROTOCOL_VERSION } from "../../../extension/core/host-problems.js";

const TEXTS = {
  "Specified native messaging host not found.": "host-missing",
  "No such native application org.poterne.host": "host-missing",
  "Error: No such native application org.poterne.host": "host-missing",
  "Access to the specified native messaging host is forbidden.": "host-forbidden",
  "Access to the native messaging host was disabled by the system administrator.": "host-blocked-by-policy",
  "Native host has exited.": "host-crashed",
  "Error when communicating with the native messaging host.": "host-crashed",
  "Failed to start native messaging host.": "host-crashed",
  "An unexpected error occurred": "host-crashed",
  "Attempt to postMessage on disconnected port": "host-crashed",
  "Native application tried to send a message of 1819043176 bytes, which exceeds the limit of 1048576 bytes.":
    "host-crashed",
};

for (const [text, cause] of Object.entries(TEXTS)) {
  test(`“${text}” means ${cause}`, () => assert.equal(problemInBrowserText(text), cause));
}

test("a host that goes without a word has crashed", () => {
  assert.equal(problemInBrowserText(null), "host-crashed");
  assert.equal(problemInBrowserText(undefined), "host-crashed");
});

test("the protocol number says which side is old", () => {
  assert.equal(problemOfProtocol(PROTOCOL_VERSION), null);
  assert.equal(problemOfProtocol(PROTOCOL_VERSION + 1), "extension-outdated");
  assert.equal(problemOfProtocol(PROTOCOL_VERSION - 1), "host-outdated");
  assert.equal(problemOfProtocol(undefined), "host-outdated");
  assert.equal(problemOfProtocol("1"), "host-outdated");
});
