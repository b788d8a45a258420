import assert from "node:assert/strict";
import { test } from "node:test";

import { formHolds, runIsOfPage, settingsForServer, targetOfServer } from "../../../extension/core/page-servers.js";
import { beginRun, receiveMessage } from "../../../extension/core/run.js";
import { report } from "../support/records.mjs";

const said = (value) => ({ label: "", value, locked: false });
const server = ({
  host = "smtp.example.org",
  port = 25,
  means = "none",
  offers = null,
  ports = null,
  ...more
} = {}) => ({
  id: "s0",
  direction: "outgoing",
  protocol: "smtp",
  host: { ...said(host), name: host || null, together: false },
  port: { ...said(String(port)), port, offers: ports },
  security: { ...said(""), means, offers },
  ...more,
});
const setting = (port, security, more = {}) => ({
  ...{
    protocol: "smtp",
    host: "smtp.example.org",
    port,
    security,
    auth: [],
    username: "unknown",
    verified: true,
    source: "typed",
  },
  ...more,
});
function done(
  outgoing,
  { target = { input: "x", kind: "endpoint", host: "smtp.example.org" }, pressed = "s0", incoming = [] } = {},
) {
  const run = beginRun("1", "x", { origin: "page", page: { tab: 1, token: "t", server: pressed } });
  const full = { ...report(), target, settings: { outgoing, incoming } };
  return receiveMessage(run, { type: "report", id: "1", report: full });
}

test("a server is tested exactly as the page says", () => {
  assert.equal(targetOfServer(server()), "smtp.example.org:25");
  assert.equal(targetOfServer(server({ port: 587, means: "starttls" })), "smtp.example.org:587");
  assert.equal(targetOfServer(server({ port: 465, means: "tls" })), "smtp.example.org:465");
  assert.equal(targetOfServer(server({ port: 587, means: "tls" })), "smtps://smtp.example.org:587");
  assert.equal(
    targetOfServer(server({ port: 993, means: "starttls", protocol: "imap", direction: "incoming" })),
    "imap://smtp.example.org:993",
  );
  assert.equal(targetOfServer(server({ host: "2001:db8::7" })), "[2001:db8::7]:25");
  assert.equal(targetOfServer(server({ port: null })), "smtp.example.org");
  assert.equal(targetOfServer(server({ host: "" })), null);
});

test("only what is encrypted and was verified is ever written, and only what the form can hold", () => {
  const all = [setting(465, "tls"), setting(587, "starttls")];
  assert.deepEqual(settingsForServer(done(all), server()).wanted, {
    host: "smtp.example.org",
    port: 465,
    security: "tls",
  });
  assert.equal(settingsForServer(done(all), server({ offers: ["none", "starttls"] })).wanted?.port, 587);
  assert.equal(settingsForServer(done(all), server({ ports: [25, 587] })).wanted?.port, 587);
  assert.equal(settingsForServer(done(all), server({ ports: [25] })).wanted, null);
  assert.equal(
    settingsForServer(done([setting(25, "none"), setting(587, "starttls", { verified: false })]), server()).wanted,
    null,
  );
  assert.equal(settingsForServer({ ...done(all), phase: "running" }, server()).wanted, null);
});

test("a press on one server says nothing of another", () => {
  const run = done([setting(465, "tls")]);
  assert.equal(settingsForServer(run, server({ id: "s1", host: "smtp.other.example" })).wanted, null);
  const account = { input: "jane@example.org", kind: "account", domain: "example.org", host: null };
  assert.equal(
    settingsForServer(done([setting(465, "tls")], { target: account }), server({ id: "s1", host: "" })).wanted?.port,
    465,
  );
  const page = (token) => ({ reading: { token }, site: null, filled: null });
  assert.equal(runIsOfPage(run, page("t")), true);
  assert.equal(runIsOfPage(run, page("other")), false);
});

test("a form that holds the settings already needs none", () => {
  const wanted = { host: "smtp.example.org", port: 465, security: "tls" };
  assert.equal(formHolds(server({ port: 465, means: "tls" }), wanted), true);
  assert.equal(formHolds(server({ port: 465, means: "none" }), wanted), false);
});
