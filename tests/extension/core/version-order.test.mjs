import assert from "node:assert/strict";
import { test } from "node:test";

import { compareVersions, olderSide } from "../../../extension/core/version-order.js";

test("versions are compared as numbers", () => {
  assert.ok(compareVersions("0.9.0", "0.10.0") < 0);
  assert.ok(compareVersions("1.0", "0.99.99") > 0);
  assert.equal(compareVersions("1.0", "1.0.0"), 0);
  assert.equal(compareVersions("1.2.0.dev3", "1.2"), 0);
});

test("the older side is named, and nobody where there is nothing to compare", () => {
  assert.equal(olderSide("0.1.0", "0.2.0"), "host");
  assert.equal(olderSide("0.3.0", "0.2.0"), "extension");
  assert.equal(olderSide("0.2.0", "0.2.0"), null);
  assert.equal(olderSide(null, "0.2.0"), null);
  assert.equal(olderSide("undefined", "0.2.0"), null);
});
