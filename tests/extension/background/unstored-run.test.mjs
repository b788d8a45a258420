import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { CoalescingStore } from "../../../extension/background/coalescing-store.js";
import { UnstoredRun } from "../../../extension/background/unstored-run.js";
import { UNSTORED_RUN } from "../../../extension/core/background-messages.js";
import { DISCONNECTED } from "../../../extension/core/link-state.js";
import { beginRun, failRun, IDLE_RUN, withoutResult } from "../../../extension/core/run.js";
import { followBackground } from "../../../extension/ui/state/background-state.js";
import { observation, report } from "../support/records.mjs";

/** A browser's session storage with room for so many characters, and its messages between background and pages. */
function browser(room = Infinity) {
  const data = {};
  const seen = { changed: [], told: [], warned: [] };
  const area = {
    data,
    room,
    onChanged: { addListener: (listener) => seen.changed.push(listener) },
    get: async (keys) =>
      structuredClone(Object.fromEntries(Object.entries(data).filter(([key]) => keys.includes(key)))),
    async set(items) {
      if (JSON.stringify({ ...data, ...items }).length > area.room)
        throw new Error("Session storage quota bytes exceeded.");
      const changes = Object.fromEntries(
        Object.entries(items).map(([key, value]) => [key, { newValue: structuredClone(value) }]),
      );
      Object.assign(data, structuredClone(items));
      seen.changed.forEach((listener) => listener(changes));
    },
    async remove(keys) {
      for (const key of keys) delete data[key];
    },
  };
  let state = { link: DISCONNECTED, run: IDLE_RUN, unkept: null };
  const tell = (message, sender) => seen.told.forEach((listener) => listener(message, sender));
  const unkept = new UnstoredRun(
    area,
    async (message) => tell(message, BACKGROUND),
    () => state,
  );
  const store = new CoalescingStore(area, () => refusals.push(unkept.refused()));
  const refusals = [];
  globalThis.chrome = {
    storage: { session: area },
    runtime: {
      id: "poterne",
      getURL: (path) => `${HOME}${path}`,
      onMessage: { addListener: (listener) => seen.told.push(listener) },
      sendMessage: async ({ type }) => (type === UNSTORED_RUN ? unkept.state : null),
    },
  };
  return {
    area,
    unkept,
    tell,
    async is(run) {
      state = { ...state, run };
      store.put(state);
      await settled();
      mock.timers.tick(40);
      await settled();
      await Promise.all(refusals);
    },
  };
}

/** What promises have to do, done. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(console, "warn", () => {});
});
afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

const HOME = "chrome-extension://poterne/";
const BACKGROUND = { id: "poterne", url: `${HOME}background/main.js` };

const running = { ...beginRun("1", "example.org"), observations: { o1: observation({ greeting: "x".repeat(400) }) } };
const done = { ...beginRun("1", "example.org"), phase: "done", report: report({ version: "x".repeat(5000) }) };

test("a run that there is no room to store ends all the same, on pages that are open and on those that come", async () => {
  const there = browser(3000);
  const shown = [];
  await followBackground((state) => shown.push(state));
  await there.is(running);
  assert.deepEqual(shown.at(-1).run, running);
  assert.equal(shown.at(-1).unkept, null);
  await there.is(done);
  assert.deepEqual(shown.at(-1).run, done);
  assert.equal(shown.at(-1).unkept, "1");
  assert.deepEqual((await followBackground(() => {})).run, done);
});

test("what is stored in its place is neither the run of before nor a run that goes on", async () => {
  const there = browser(3000);
  await there.is(running);
  await there.is(done);
  assert.deepEqual(there.area.data.run, withoutResult(done));
  // A background that comes back knows no more; nor do the pages.
  assert.deepEqual(failRun(there.area.data.run, { cause: "interrupted", message: null }), withoutResult(done));
  chrome.runtime.sendMessage = async () => null;
  const state = await followBackground(() => {});
  assert.deepEqual([state.run.phase, state.run.failure.cause], ["failed", "unkept"]);
});

test("where there is no room for anything, nothing of before is left to be shown", async () => {
  const there = browser();
  await there.is({ ...done, id: "0" });
  there.area.room = 0;
  await there.is(done);
  assert.deepEqual(there.area.data, { unkept: null });
  chrome.runtime.sendMessage = async () => null;
  assert.deepEqual((await followBackground(() => {})).run, IDLE_RUN);
});

test("when there is room again, the run is stored, and nothing is said any more", async () => {
  const there = browser(3000);
  const shown = [];
  await followBackground((state) => shown.push(state));
  await there.is(done);
  there.area.room = Infinity;
  const next = beginRun("2", "example.net");
  await there.is(next);
  assert.deepEqual(there.area.data.run, next);
  assert.deepEqual(shown.at(-1).run, next);
  assert.equal(there.unkept.state, null);
});

test("a page asks nobody where all is stored", async () => {
  const there = browser();
  await there.is(done);
  chrome.runtime.sendMessage = () => assert.fail("asked");
  assert.deepEqual((await followBackground(() => {})).run, done);
});

test("what a script in a page of the web says of a run is not shown", async () => {
  const there = browser(100000);
  const shown = [];
  await followBackground((state) => shown.push(state));
  const forged = { type: "unkept", state: { link: DISCONNECTED, run: done, unkept: null } };
  there.tell(forged, { id: "poterne", url: "https://mail.site.example/", tab: { id: 1 } });
  assert.deepEqual(shown, []);
  there.tell(forged, BACKGROUND);
  assert.deepEqual(
    shown.map(({ run: { id } }) => id),
    ["1"],
  );
});
