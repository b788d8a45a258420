import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { CoalescingStore } from "../../../extension/background/coalescing-store.js";

test("the first value is written at once, a burst after it as one, and the last value wins", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const written = [];
    const store = new CoalescingStore({ set: async (items) => void written.push(items) });
    store.put({ run: 1 });
    assert.deepEqual(written, [{ run: 1 }]);
    store.put({ run: 2 });
    store.put({ link: "a" });
    store.put({ run: 3 });
    assert.equal(written.length, 1);
    mock.timers.tick(40);
    assert.deepEqual(written[1], { run: 3, link: "a" });
    mock.timers.tick(1000);
    assert.equal(written.length, 2);
    store.put({ run: 4 });
    assert.deepEqual(written[2], { run: 4 });
  } finally {
    mock.timers.reset();
  }
});
