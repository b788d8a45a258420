import assert from "node:assert/strict";
import { test } from "node:test";

import { EXPORT_FORMATS, exportFormats, withoutEvidence } from "../../../extension/core/export-formats.js";
import { finding, observation, report, setting } from "../support/records.mjs";

const OUT = setting();
const IN = setting({ protocol: "imap", host: "imap.example.org", port: 993 });
const DOMAIN = { ...report().target, kind: "domain", domain: "example.org", host: null };
const of = (outgoing, incoming, target = DOMAIN) => exportFormats(report({ settings: { outgoing, incoming }, target }));

test("everything can be made of both directions of a domain", () => {
  assert.deepEqual(of([OUT], [IN]), EXPORT_FORMATS);
});

test("one direction is enough to read, not to set an account up", () => {
  assert.deepEqual(of([OUT], []), ["text", "json"]);
  assert.deepEqual(of([], [IN]), ["text", "json"]);
});

test("autoconfig is for a domain", () => {
  assert.deepEqual(of([OUT], [IN], report().target), ["mobileconfig", "text", "json"]);
});

test("what was not confirmed or is not encrypted is in no file", () => {
  const bad = [{ verified: false }, { security: "none" }];
  for (const changes of bad) {
    assert.deepEqual(of([{ ...OUT, ...changes }], [{ ...IN, ...changes }]), []);
    assert.deepEqual(of([{ ...OUT, ...changes }], [IN]), ["text", "json"]);
  }
  assert.deepEqual(of([{ ...OUT, verified: false }, OUT], [IN]), EXPORT_FORMATS);
});

test("Apple's profile knows passwords and NTLM, and asks for a password where nothing is announced", () => {
  const signIn = (outgoing, incoming = ["password"]) =>
    of([{ ...OUT, auth: outgoing }], [{ ...IN, auth: incoming }]).includes("mobileconfig");
  assert.equal(signIn(["oauth2"]), false);
  assert.equal(signIn(["password"], ["oauth2", "kerberos"]), false);
  assert.equal(signIn(["oauth2", "ntlm"]), true);
  assert.equal(signIn([]), true);
  assert.equal(signIn(["something-new"]), true);
});

test("a slim report holds what files are made of, and is small", () => {
  const whole = report({
    observations: [observation()],
    findings: [finding()],
    names: [{}],
    offers: [{}],
    lookups: [{}],
  });
  const { target, settings, started_at: startedAt, lab, ...rest } = withoutEvidence(whole);
  assert.deepEqual(
    { target, settings, startedAt, lab },
    {
      target: whole.target,
      settings: whole.settings,
      startedAt: whole.started_at,
      lab: whole.lab,
    },
  );
  for (const name of ["observations", "findings", "names", "offers", "lookups"]) assert.deepEqual(rest[name], [], name);
  assert.equal(whole.observations.length, 1);
});
