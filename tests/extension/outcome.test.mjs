import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../extension/shared/outcome.js";
import { observation } from "./records.mjs";

const of = (changes, running = false) => Object.values(outcome(observation(changes), running)).join(" ");
const tls = (fault) => ({ fault });

test("nothing yet is pending while the run goes on, and not tested after it", () => {
  assert.equal(outcome(null, true).key, "ui_outcome_pending");
  assert.equal(outcome(null, false).key, "ui_outcome_untested");
  assert.equal(of({ state: "no-answer", provisional: true }, true), "pending ui_outcome_waiting");
});

test("each state has its words", () => {
  assert.equal(of({ state: "refused" }), "closed state_refused");
  assert.equal(of({ state: "no-answer" }), "silent state_no_answer");
  assert.equal(of({ state: "unreachable" }), "silent state_unreachable");
});

test("open is good only where the protocol and the encryption are", () => {
  assert.equal(of({}), "good ui_outcome_encrypted");
  assert.equal(of({ tls: tls("cert-expired") }), "warning ui_outcome_certificate");
  assert.equal(of({ tls: tls("tls-legacy-only") }), "warning ui_outcome_tls");
  assert.equal(of({ greeting_kind: "refused" }), "warning ui_outcome_turned_away");
  assert.equal(of({ greeting_kind: "silent", security: "none" }), "warning ui_outcome_no_greeting");
});

test("no encryption is a warning only where some was hoped for", () => {
  assert.equal(of({ security: "none", asked: "starttls" }), "warning ui_outcome_clear");
  assert.equal(of({ security: "none", asked: "none" }), "plain ui_outcome_clear");
});
