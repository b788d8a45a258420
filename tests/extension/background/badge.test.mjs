import assert from "node:assert/strict";
import { test } from "node:test";

import { badgeOf } from "../../../extension/background/badge.js";
import { DISCONNECTED } from "../../../extension/core/link-state.js";
import { beginRun, IDLE_RUN } from "../../../extension/core/run.js";
import { report } from "../support/records.mjs";

test("the badge shows the last verdict by a shape", () => {
  const badge = (run, link = DISCONNECTED) => badgeOf(run, link).text;
  const done = (severity) => badge({ ...IDLE_RUN, phase: "done", report: report({ verdict: { severity } }) });
  assert.equal(badge(IDLE_RUN), "");
  assert.equal(badge(beginRun("1", "example.org")), "…");
  assert.deepEqual(["good", "note", "warning", "blocker"].map(done), ["✓", "i", "!", "✕"]);
  assert.equal(badge(IDLE_RUN, { ...DISCONNECTED, phase: "failed", cause: "host-missing" }), "!");
});
