import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { PageAccess } from "../../../extension/background/page-access.js";
import { pageStateKey } from "../../../extension/core/page-state.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { withTabs } from "../support/tabs.mjs";

const EXTENSION = new URL("../../../extension/", import.meta.url);
const words = JSON.parse(readFileSync(new URL("core/data/forms.json", EXTENSION), "utf8"));

test("of a tab that was closed while its page was read nothing stays", async (t) => {
  const tabs = new Map([
    [7, {}],
    [8, {}],
  ]);
  globalThis.chrome = withTabs(tabs);
  t.mock.method(globalThis, "fetch", async () => ({ json: async () => words }));
  t.after(() => delete globalThis.chrome);
  const stored = {};
  const area = {
    get: async (key) => (key in stored ? { [key]: stored[key] } : {}),
    set: async (items) => void Object.assign(stored, items),
    remove: async (key) => void delete stored[key],
  };
  const pages = new PageAccess(area, async () => IDLE_RUN);
  await pages.read(8);
  const reading = pages.read(7);
  tabs.delete(7);
  await pages.forget(7);
  await reading;
  assert.deepEqual(Object.keys(stored), [pageStateKey(8)]);
});
