import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Catalogue } from "../../../extension/core/catalogue.js";
import { endpointOutcome } from "../../../extension/core/endpoint-outcome.js";
import { observation, says } from "../support/records.mjs";

const path = new URL("../../../extension/_locales/en/messages.json", import.meta.url);
const english = new Catalogue("en", JSON.parse(readFileSync(path, "utf8")));

const of = (changes, running = false) =>
  Object.values(endpointOutcome(observation(changes), running, english)).join(": ");

test("nothing yet is pending while the run goes on, and not tested after it", () => {
  assert.equal(endpointOutcome(null, true, english).tone, "pending");
  assert.equal(endpointOutcome(null, false, english).tone, "plain");
  assert.match(of({ state: "no-answer", provisional: true }, true), /^pending/);
});

test("a door that is not open looks like what happened there", () => {
  assert.equal(of({ state: "refused", says: says("state_refused") }), "closed: refused");
  assert.equal(of({ state: "no-answer", says: says("state_no_answer") }), "silent: no answer");
  assert.match(of({ state: "prohibited", says: says("state_prohibited") }), /^bad/);
});

test("open is good only where the host says so", () => {
  assert.equal(of({}), "good: encrypted");
  assert.match(of({ says: says("ui_outcome_certificate") }), /^warning/);
  assert.match(of({ says: says("said_by_a_later_host") }), /^warning: open$/);
});

test("no encryption is a warning only where some was hoped for", () => {
  assert.match(of({ says: says("ui_outcome_clear"), asked: "starttls" }), /^warning/);
  assert.match(of({ says: says("ui_outcome_clear"), asked: "none" }), /^plain/);
});

test("an observation of a host that says nothing is told by its state", () => {
  const { says: _, ...old } = observation({ state: "refused" });
  assert.deepEqual(endpointOutcome(old, false, english), { tone: "closed", text: "refused" });
});
