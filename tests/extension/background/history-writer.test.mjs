import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";

import { HistoryWriter } from "../../../extension/background/history-writer.js";
import { Catalogue } from "../../../extension/core/catalogue.js";
import { networkName, reportKey } from "../../../extension/core/history-list.js";
import { IDLE_RUN } from "../../../extension/core/run.js";
import { area } from "../support/area.mjs";
import { report } from "../support/records.mjs";

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
/** On one area for what is kept and for what was chosen, as in Chromium. */
async function keeper(storage, managed = {}) {
  const place = { area: storage, tells: true, seal: async () => {}, sweep: async () => {} };
  const made = new HistoryWriter({ storage: place, preferences: storage, managed: async () => managed });
  await made.refresh();
  return made;
}

test("a run is kept with its report, its network under a salt that is made once", async () => {
  const storage = area();
  const kept = await keeper(storage);
  assert.match(kept.salt, /^[0-9a-f]{32}$/);
  await kept.keep(done("1"));
  assert.deepEqual(
    storage.data.past.map(({ id, network }) => [id, network]),
    [["1", HOME]],
  );
  assert.deepEqual(storage.data[reportKey("1")], report());
  assert.deepEqual(storage.data.networks, { [HOME]: { name: "", number: 1 } });
  assert.equal((await keeper(storage)).salt, kept.salt);
});

test("nothing is kept of a private window", async () => {
  const storage = area();
  await (await keeper(storage)).keep(done("1", { private: true }));
  assert.deepEqual(Object.keys(storage.data), ["salt"]);
});

test("nothing is kept, and no network recognised, where history is switched off by the person or the administrator", async () => {
  for (const [chosen, managed] of [
    [{ history: false }, {}],
    [{ history: true }, { history: false }],
  ]) {
    const storage = area(chosen);
    const kept = await keeper(storage, managed);
    assert.equal(kept.salt, null);
    await kept.keep(done("1"));
    assert.deepEqual(storage.data, chosen);
  }
});

test("where there is no room, the oldest goes", async () => {
  const storage = area({}, 9000);
  const kept = await keeper(storage);
  for (let number = 1; number <= 9; number += 1) {
    await kept.keep(done(String(number), { report: report({ version: "x".repeat(1500) }) }));
  }
  const ids = storage.data.past.map(({ id }) => id);
  assert.equal(ids[0], "9");
  assert.ok(ids.length > 1 && ids.length < 9);
  const reports = Object.keys(storage.data).filter((key) => key.startsWith(reportKey("")));
  assert.deepEqual(reports.sort(), ids.map(reportKey).sort());
});

test("where even that makes no room, nothing of before is lost, and it is said", async () => {
  mock.method(console, "warn", () => {});
  const storage = area({}, 9000);
  const kept = await keeper(storage);
  for (const id of ["1", "2"]) assert.equal(await kept.keep(done(id)), true);
  const before = structuredClone(storage.data);
  assert.equal(await kept.keep(done("3", { report: report({ version: "x".repeat(9000) }) })), false);
  assert.deepEqual(storage.data, before);
  assert.equal(await kept.keep(done("4")), true);
  mock.restoreAll();
});

test("a storage that takes nothing at all costs no past run", async () => {
  mock.method(console, "warn", () => {});
  const storage = area();
  const kept = await keeper(storage);
  for (const id of ["1", "2"]) await kept.keep(done(id));
  const before = structuredClone(storage.data);
  storage.set = async () => {
    throw new Error("An unexpected error occurred");
  };
  const removed = mock.method(storage, "remove");
  assert.equal(await kept.keep(done("3")), false);
  assert.deepEqual(storage.data, before);
  assert.deepEqual(
    removed.mock.calls.flatMap(({ arguments: [keys] }) => keys),
    [],
  );
  assert.equal(await kept.command({ type: "forget", id: "1" }), false);
  assert.deepEqual(storage.data, before);
  mock.restoreAll();
});

test("without room for a salt, a run that should be kept is said not to be", async () => {
  mock.method(console, "warn", () => {});
  const kept = await keeper(area({}, 10));
  assert.equal(kept.salt, null);
  assert.equal(await kept.keep(done("1")), false);
  assert.equal(await kept.keep(done("1", { private: true })), true);
  mock.restoreAll();
});

test("networks are named, keep their names, and are forgotten with their last run where they have none", async () => {
  const storage = area();
  const kept = await keeper(storage);
  await kept.keep(done("1"));
  await kept.keep(done("2", { network: OFFICE }));
  await kept.command({ type: "name-network", network: HOME, name: "  Home  " });
  assert.equal(networkName(storage.data.networks, HOME, english), "Home");
  assert.equal(networkName(storage.data.networks, OFFICE, english), "Network 2");
  assert.equal(networkName(storage.data.networks, null, english), english.text("past_network_unknown"));
  await kept.command({ type: "forget", id: "1" });
  await kept.command({ type: "forget", id: "2" });
  assert.deepEqual(Object.keys(storage.data.networks), [HOME]);
  assert.deepEqual(storage.data.past, []);
  assert.equal(reportKey("1") in storage.data, false);
});

test("what is kept under the name that an earlier host gave to a network goes over to the one that it has now", async () => {
  const [OLD, OLDER] = ["c".repeat(32), "d".repeat(32)];
  const storage = area();
  const kept = await keeper(storage);
  await kept.keep(done("1", { network: OLD }));
  await kept.keep(done("2", { network: OFFICE }));
  await kept.keep(done("3", { network: OLDER }));
  await kept.command({ type: "name-network", network: OLD, name: "Home" });
  await kept.command({ type: "name-network", network: OLDER, name: "The old home" });
  const networks = () => storage.data.past.map(({ id, network }) => [id, network]);

  await kept.keep(done("4", { networkBefore: OLD }));
  assert.deepEqual(networks(), [
    ["4", HOME],
    ["3", OLDER],
    ["2", OFFICE],
    ["1", HOME],
  ]);
  assert.deepEqual(storage.data.networks[HOME], { name: "Home", number: 1 });
  assert.deepEqual(Object.keys(storage.data.networks).sort(), [HOME, OFFICE, OLDER].sort());

  await kept.keep(done("5", { networkBefore: OLDER }));
  assert.deepEqual(networks(), [
    ["5", HOME],
    ["4", HOME],
    ["3", HOME],
    ["2", OFFICE],
    ["1", HOME],
  ]);
  assert.deepEqual(storage.data.networks[HOME], { name: "Home", number: 1 });

  const before = structuredClone(storage.data.networks);
  await kept.keep(done("6", { network: null, networkBefore: OFFICE }));
  await kept.keep(done("7", { network: OFFICE, networkBefore: OFFICE }));
  await kept.keep(done("8", { networkBefore: "e".repeat(32) }));
  assert.deepEqual(networks().slice(0, 3), [
    ["8", HOME],
    ["7", OFFICE],
    ["6", null],
  ]);
  assert.deepEqual(storage.data.networks, before);
});

test("erasing leaves nothing of the runs, and another salt", async () => {
  const storage = area({ language: "fr", "past/lost": {} });
  const kept = await keeper(storage);
  const { salt } = kept;
  await kept.keep(done("1"));
  await kept.command({ type: "erase-past" });
  assert.deepEqual(Object.keys(storage.data).sort(), ["language", "salt"]);
  assert.notEqual(kept.salt, salt);
});
