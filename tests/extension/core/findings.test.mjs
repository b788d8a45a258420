import assert from "node:assert/strict";
import { test } from "node:test";

import { otherFindings } from "../../../extension/core/findings.js";
import { finding } from "../support/records.mjs";

test("the other findings come the gravest first, and the one that the verdict names is not among them", () => {
  const note = finding({ code: "a", severity: "note" });
  const good = finding({ code: "b", severity: "good" });
  const blocker = finding({ code: "c", severity: "blocker" });
  const warning = finding({ code: "d", severity: "warning" });
  assert.deepEqual(otherFindings([note, good, blocker, warning], blocker), [warning, note, good]);
  assert.deepEqual(otherFindings([note, blocker], null), [blocker, note]);
});

test("of several findings of one kind, the verdict names the one that it was made from", () => {
  const weak = finding({ code: "cert-expired", severity: "warning", confidence: "likely", port: 465 });
  const strong = finding({ code: "cert-expired", severity: "blocker", confidence: "certain", port: 587 });
  const verdict = { code: "cert-expired", severity: "blocker", confidence: "certain" };
  assert.deepEqual(otherFindings([weak, strong], verdict), [weak]);
  assert.deepEqual(otherFindings([weak], verdict), []);
  assert.deepEqual(otherFindings([], verdict), []);
});
