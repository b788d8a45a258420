import assert from "node:assert/strict";
import { test } from "node:test";

import { otherFindings, verdictFinding } from "../../../extension/core/findings.js";
import { finding, report } from "../support/records.mjs";

test("the verdict's finding is the one that it was made from", () => {
  const weak = finding({ code: "cert-expired", severity: "warning", confidence: "likely", port: 465 });
  const strong = finding({ code: "cert-expired", severity: "blocker", confidence: "certain", port: 587 });
  const verdict = { code: "cert-expired", severity: "blocker", confidence: "certain" };
  assert.equal(verdictFinding(report({ verdict, findings: [weak, strong] })), strong);
  assert.equal(verdictFinding(report({ verdict, findings: [weak] })), weak);
  assert.equal(verdictFinding(report({ verdict, findings: [] })).code, "cert-expired");
});

test("the other findings come the gravest first, and the verdict is not among them", () => {
  const note = finding({ severity: "note" });
  const good = finding({ severity: "good" });
  const blocker = finding({ severity: "blocker" });
  const warning = finding({ severity: "warning" });
  assert.deepEqual(otherFindings([note, good, blocker, warning], blocker), [warning, note, good]);
  assert.deepEqual(otherFindings([note, blocker], null), [blocker, note]);
});
