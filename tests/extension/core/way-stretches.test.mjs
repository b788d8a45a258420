import assert from "node:assert/strict";
import { test } from "node:test";

import { STATIONS, stretches } from "../../../extension/core/way-stretches.js";
import { way } from "../support/records.mjs";

test("between two neighbours one stretch is doubtful", () => {
  const drawn = stretches(way({ stops_from: "box", stops_to: "provider" }));
  assert.deepEqual(drawn, { stretches: ["passed", "perhaps", "beyond", "beyond"], at: null });
});

test("over several stations every stretch between them is", () => {
  const drawn = stretches(way({ stops_from: "you", stops_to: "server" }));
  assert.deepEqual(drawn, { stretches: Array(4).fill("perhaps"), at: null });
});

test("a known place is a station, and nothing is doubtful", () => {
  for (const [at, station] of STATIONS.entries()) {
    const drawn = stretches(way({ stops_from: station, stops_to: station }));
    assert.equal(drawn.at, at);
    assert.deepEqual(
      drawn.stretches,
      [0, 1, 2, 3].map((index) => (index < at ? "passed" : "beyond")),
    );
  }
});
