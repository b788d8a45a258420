import assert from "node:assert/strict";
import { test } from "node:test";

import { effective } from "../../../extension/core/preferences.js";

test("what an administrator fixes wins; what is of the wrong type counts for nothing", () => {
  const held = effective({ language: "fr", program: 7, history: "no" }, { language: "de", program: ["x"] });
  assert.deepEqual(held.language, { value: "de", managed: true });
  assert.deepEqual(held.program, { value: "", managed: false });
  assert.deepEqual(held.history, { value: true, managed: false });
});
