import assert from "node:assert/strict";
import { test } from "node:test";

import { compareReports } from "../../../extension/core/report-changes.js";
import { observation, report, setting } from "../support/records.mjs";

test("two reports side by side: doors that behave otherwise, settings that came or went", () => {
  const door = (changes) => observation({ id: `${changes.port}`, ...changes });
  const before = report({
    observations: [
      door({ port: 25, state: "no-answer", security: null }),
      door({ port: 587 }),
      door({ port: 25, role: "control" }),
    ],
    settings: { outgoing: [setting({ port: 587, security: "starttls" })], incoming: [] },
  });
  const after = report({
    verdict: { code: "port25-blocked", severity: "warning", confidence: "certain" },
    observations: [door({ port: 587 }), door({ port: 25 }), door({ port: 465 })],
    settings: { outgoing: [setting({ port: 587, security: "starttls" }), setting()], incoming: [] },
  });
  const { verdict, doors, settings } = compareReports(before, after);
  assert.equal(verdict, true);
  assert.deepEqual(
    doors.map(({ port, changed }) => [port, changed]),
    [
      [25, true],
      [465, true],
      [587, false],
    ],
  );
  assert.deepEqual(
    settings.map(({ setting: { port }, before: had, after: has }) => [port, had, has]),
    [
      [587, true, true],
      [465, false, true],
    ],
  );
  assert.deepEqual(
    compareReports(before, before).doors.filter(({ changed }) => changed),
    [],
  );
});
