import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Catalogue } from "../../../extension/core/catalogue.js";
import {
  groupByTarget,
  historyEntry,
  latestPerNetwork,
  renameNetwork,
  verdictWord,
  withEntry,
  withNetworks,
} from "../../../extension/core/history-list.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { finding, report, says } from "../support/records.mjs";

const english = new Catalogue(
  "en",
  JSON.parse(readFileSync(new URL("../../../extension/_locales/en/messages.json", import.meta.url), "utf8")),
);
const HOME = "a".repeat(32);
const OFFICE = "b".repeat(32);
const done = (id, changes = {}) => ({
  ...IDLE_RUN,
  id,
  target: "smtp.example.org",
  phase: "done",
  report: report(),
  network: HOME,
  ...changes,
});

test("number and size are bounded", () => {
  const entries = Array.from({ length: 5 }, (_, index) => ({ ...historyEntry(done(String(index))), size: 10 }));
  const limits = { entries: 4, size: 1000 };
  const next = withEntry(entries, { ...historyEntry(done("new")), size: 10 }, limits);
  assert.deepEqual(
    next.entries.map(({ id }) => id),
    ["new", "0", "1", "2"],
  );
  assert.deepEqual(next.dropped, ["3", "4"]);
  assert.deepEqual(withEntry(entries, { ...historyEntry(done("new")), size: 985 }, limits).entries.length, 2);
});

test("a name given to a network under its older name alone is not lost", () => {
  const networks = { old: { name: "Home", number: 1 }, new: { name: "", number: 3 } };
  assert.deepEqual(renameNetwork({ entries: [], networks }, "old", "new").networks, {
    new: { name: "Home", number: 3 },
  });
});

test("runs stand by target and by network, the newest first", () => {
  const entries = [
    historyEntry(done("3", { network: OFFICE })),
    historyEntry(done("2", { target: "Other.example " })),
    historyEntry(done("1")),
    historyEntry(done("0")),
  ];
  assert.deepEqual(
    groupByTarget(entries).map(({ target, entries: own }) => [target, own.map(({ id }) => id)]),
    [
      ["smtp.example.org", ["3", "1", "0"]],
      ["Other.example ", ["2"]],
    ],
  );
  assert.deepEqual(
    latestPerNetwork(entries).map(({ id }) => id),
    ["3", "2"],
  );
  assert.deepEqual(withNetworks({}, entries), { [OFFICE]: { name: "", number: 1 }, [HOME]: { name: "", number: 2 } });
});

test("a verdict in a word: the host's, or how grave it was", () => {
  const word = (severity, more = {}) => verdictWord({ finding: finding({ severity }), ...more }, english);
  assert.equal(word("blocker", { word: says("past_word_blocked") }), "blocked");
  assert.equal(word("good"), "open");
  assert.notEqual(word("blocker"), word("warning"));
});
