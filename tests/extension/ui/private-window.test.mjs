import assert from "node:assert/strict";
import { test } from "node:test";

import { isPrivateWindow } from "../../../extension/ui/state/private-window.js";
import { withTabs } from "../support/tabs.mjs";

test("what is bound to a tab of a private window is private, in whichever window it is shown", async (t) => {
  globalThis.chrome = withTabs(
    new Map([
      [7, { incognito: true }],
      [8, { incognito: false }],
    ]),
  );
  t.after(() => delete globalThis.chrome);
  assert.deepEqual(await Promise.all([7, 8, 9, null].map(isPrivateWindow)), [true, false, false, false]);
});
