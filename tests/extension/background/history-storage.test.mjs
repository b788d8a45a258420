import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { openHistoryStorage } from "../../../extension/background/history-storage.js";
import { HistoryWriter } from "../../../extension/background/history-writer.js";
import { historyEntry, reportKey } from "../../../extension/core/history-list.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { area } from "../support/area.mjs";
import { report } from "../support/records.mjs";

const SALT = "5".repeat(32);
const done = (id, at) => ({
  ...IDLE_RUN,
  id,
  target: "smtp.example.org",
  phase: "done",
  report: report({ started_at: at }),
  network: null,
});
const older = done("1", "2026-11-01T08:00:00Z");
const newer = done("2", "2026-11-02T08:00:00Z");

/** What a version that kept everything in local storage has left there. */
const left = (...runs) => ({
  language: "fr",
  history: true,
  salt: SALT,
  past: runs.map(historyEntry),
  networks: { a: { name: "Home", number: 1 } },
  ...Object.fromEntries(runs.map((run) => [reportKey(run.id), run.report])),
});

/** Firefox: local storage stays open. */
const open = (local, database) =>
  openHistoryStorage({ local, others: [], database: () => database, isThere: async () => true });

beforeEach(() => mock.method(console, "warn", () => {}));
afterEach(() => mock.restoreAll());

test("where local storage cannot be closed, past runs are moved out of it, and nothing else", async () => {
  const [local, database] = [area(left(newer, older)), area()];
  const { area: used } = await open(local, database);
  assert.equal(used, database);
  assert.deepEqual(local.data, { language: "fr", history: true });
  const { language, history, ...moved } = left(newer, older);
  assert.deepEqual(database.data, moved);
});

test("stopped at any step of the move, nothing is lost, and the next start ends it", async () => {
  const { language, history, ...all } = left(newer, older);
  for (const [which, step] of [
    ["database", "set"],
    ["database", "get"],
    ["local", "remove"],
  ]) {
    const places = { local: area(left(newer, older)), database: area() };
    const whole = places[which][step];
    let calls = 0;
    places[which][step] = async (...args) => {
      calls += 1;
      // The first question is whether anything may be moved at all.
      if (step === "get" && calls === 1) return whole(...args);
      throw new Error("stopped");
    };
    const { area: used } = await open(places.local, places.database);
    // What is copied and not deleted yet can be used already.
    assert.equal(used, step === "remove" ? places.database : null, `${which}.${step}`);
    assert.deepEqual(places.local.data, left(newer, older));
    places[which][step] = whole;
    await open(places.local, places.database);
    assert.deepEqual(places.database.data, all);
    assert.deepEqual(places.local.data, { language: "fr", history: true });
  }
});

test("a copy that is not the same deletes nothing", async () => {
  const [local, database] = [area(left(older)), area()];
  const { get } = database;
  database.get = async (keys) => {
    const items = await get(keys);
    return reportKey("1") in items ? { ...items, [reportKey("1")]: {} } : items;
  };
  const { area: used } = await open(local, database);
  assert.equal(used, null);
  assert.deepEqual(local.data, left(older));
});

test("runs of both places stand in one list, the newest first", async () => {
  const { language, history, ...there } = { ...left(newer), salt: "6".repeat(32) };
  const [local, database] = [area(left(older)), area(there)];
  await open(local, database);
  assert.deepEqual(
    database.data.past.map(({ id }) => id),
    ["2", "1"],
  );
  assert.deepEqual(database.data[reportKey("1")], older.report);
  assert.equal(database.data.salt, "6".repeat(32), "networks are named by the salt of the place that is used");
  assert.deepEqual(local.data, { language: "fr", history: true });
});

test("once a script was put into a page, what stands in open storage is believed no more", async () => {
  const [local, database] = [area(), area()];
  const { seal } = await open(local, database);
  await seal();
  Object.assign(local.data, left(older));
  await open(local, database);
  assert.equal("past" in database.data, false);
  assert.deepEqual(local.data, { language: "fr", history: true });
});

test("a browser that can close its local storage does, and takes back what lay elsewhere", async () => {
  const { language, history, ...there } = left(older);
  const [local, database] = [area({ language: "fr" }), area({ ...there, sealed: true })];
  const levels = [];
  local.setAccessLevel = async ({ accessLevel }) => levels.push(accessLevel);
  const { area: used } = await open(local, database);
  assert.equal(used, local);
  assert.deepEqual(levels, ["TRUSTED_CONTEXTS"]);
  assert.deepEqual(local.data, { language: "fr", ...there });
  assert.deepEqual(database.data, { sealed: true });
});

test("a browser that has the method and refuses it (Chromium before 140) keeps past runs in the database", async () => {
  const [local, database] = [area(left(older)), area()];
  local.setAccessLevel = async () => {
    throw new Error("This StorageArea is not available for setting access level");
  };
  const { area: used, tells } = await open(local, database);
  assert.deepEqual([used, tells], [database, false]);
  assert.deepEqual(local.data, { language: "fr", history: true });
  assert.deepEqual(database.data[reportKey("1")], older.report);
});

test("what is no past run hinders nothing, and is shown by nobody", async () => {
  const broken = {
    ...left(older),
    past: [null, {}, { ...historyEntry(older), at: undefined }, "x", historyEntry(older)],
  };
  for (const past of [broken.past, "x", { 0: historyEntry(older) }]) {
    const { language, history, ...there } = left(newer);
    const [local, database] = [area({ ...broken, past }), area(there)];
    const { area: used } = await open(local, database);
    assert.equal(used, database);
    assert.deepEqual(
      database.data.past.map(({ id }) => id),
      Array.isArray(past) ? ["2", "1"] : ["2"],
    );
    assert.deepEqual(local.data, { language: "fr", history: true });
  }
});

test("a page is closed before a script is put into it, also where that has failed before", async () => {
  const database = area();
  const { seal } = await open(area(), database);
  const { set } = database;
  database.set = async () => {
    throw new Error("QuotaExceededError");
  };
  await assert.rejects(seal());
  database.set = set;
  await seal();
  assert.equal(database.data.sealed, true);
});

test("of an open storage that a page has filled, only the keys are looked at", async () => {
  const local = area({ ...left(older), filler: "x" });
  const { get } = local;
  local.getKeys = async () => Object.keys(local.data);
  local.get = async (keys) => {
    assert.notEqual(keys, null);
    assert.ok(![keys].flat().includes("filler"));
    return get(keys);
  };
  const { area: used, sweep } = await open(local, area());
  await sweep();
  assert.notEqual(used, null);
  assert.deepEqual(Object.keys(local.data).sort(), ["filler", "history", "language"]);
});

test("where the browser keeps nothing, no run is kept and none is said to be too much", async () => {
  const database = area();
  database.get = async () => {
    throw new Error("InvalidStateError");
  };
  const keeper = new HistoryWriter({ storage: open(area(), database), preferences: area(), managed: async () => ({}) });
  await keeper.refresh();
  assert.equal(keeper.salt, null);
  assert.equal(await keeper.keep(older), true);
  assert.deepEqual(await keeper.answer(["past"]), { items: {}, refused: true });
  assert.deepEqual(database.data, {});
});

test("erasing everything empties both places", async () => {
  const [local, database] = [area({ language: "fr" }), area()];
  const keeper = new HistoryWriter({ storage: open(local, database), preferences: local, managed: async () => ({}) });
  await keeper.refresh();
  await keeper.keep(newer);
  Object.assign(local.data, left(older));
  assert.equal(await keeper.command({ type: "erase-past" }), true);
  assert.deepEqual(Object.keys(database.data), ["salt"]);
  assert.deepEqual(local.data, { language: "fr", history: true });
});

test("pages see what is kept, and never the salt", async () => {
  const database = area({ sealed: true });
  const keeper = new HistoryWriter({ storage: open(area(), database), preferences: area(), managed: async () => ({}) });
  await keeper.refresh();
  await keeper.keep(newer);
  const { items, refused } = await keeper.answer(null);
  assert.equal(refused, false);
  assert.deepEqual(Object.keys(items).sort(), ["networks", "past", reportKey("2")]);
  assert.deepEqual((await keeper.answer(["salt", "sealed"])).items, {});
});
