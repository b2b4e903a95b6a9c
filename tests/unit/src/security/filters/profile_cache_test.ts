import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  cacheKey,
  MOST_ENTRIES,
  ProfileCache,
} from "../../../../../src/security/filters/profile_cache.ts";
import { scratchFolder } from "../../../../fixtures/bundle.ts";

const PROFILE = {
  program: Uint8Array.of(6, 0, 0, 0, 0, 0, 255, 127),
  unknown: ["no_such_call"],
};

Deno.test("what is put under a key is there again, readable by its owner alone", async () => {
  using scratch = scratchFolder();
  const folder = `${scratch.path}/~seccomp`;
  const cache = new ProfileCache(folder);
  const key = await cacheKey(["one", 1, undefined]);
  assertEquals(await cache.get(key), undefined);
  await cache.put(key, PROFILE);
  assertEquals(await cache.get(key), PROFILE);
  assertEquals(await cache.get(await cacheKey(["two"])), undefined);
  const mode = (path: string) => (Deno.lstatSync(path).mode ?? 0) & 0o777;
  assertEquals([mode(folder), mode(`${folder}/${key}`)], [0o700, 0o600]);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [key]);
});

Deno.test("a key depends on every part", async () => {
  const keys = await Promise.all([[], [1], ["1"], [[1]], [1, 2]].map(cacheKey));
  assertEquals(new Set(keys).size, keys.length);
  assert(keys.every((key) => /^[0-9a-f]{64}$/.test(key)));
});

Deno.test("a damaged, cut or exchanged entry is none, and can be put again", async () => {
  using scratch = scratchFolder();
  const cache = new ProfileCache(`${scratch.path}/cache`);
  const key = await cacheKey(["it"]);
  await cache.put(key, PROFILE);
  const file = `${scratch.path}/cache/${key}`;
  const whole = Deno.readFileSync(file);
  for (let at = 0; at < whole.length; at++) {
    const damaged = whole.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    Deno.writeFileSync(file, damaged);
    assertEquals(await cache.get(key), undefined, `byte ${at}`);
  }
  for (const length of [0, 20, 48, whole.length - 1]) {
    Deno.writeFileSync(file, whole.slice(0, length));
    assertEquals(await cache.get(key), undefined, `${length} bytes`);
  }
  const other = await cacheKey(["other"]);
  Deno.writeFileSync(`${scratch.path}/cache/${other}`, whole);
  assertEquals(await cache.get(other), undefined);
  await cache.put(key, PROFILE);
  assertEquals(await cache.get(key), PROFILE);
});

Deno.test("the newest entries stay, and what a killed program left goes", async () => {
  using scratch = scratchFolder();
  const folder = `${scratch.path}/cache`;
  const cache = new ProfileCache(folder);
  const keys = await Promise.all(Array.from({ length: MOST_ENTRIES }, (_, k) => cacheKey([k])));
  for (const [k, key] of keys.entries()) {
    await cache.put(key, PROFILE);
    const time = Date.now() / 1000 - 1000 + k;
    Deno.utimeSync(`${folder}/${key}`, time, time);
  }
  for (const [name, age] of [["stale", 100], ["fresh", 0]] as const) {
    Deno.writeTextFileSync(`${folder}/.new-${name}`, "");
    const time = Date.now() / 1000 - age;
    Deno.utimeSync(`${folder}/.new-${name}`, time, time);
  }
  const newest = await cacheKey(["newest"]);
  await cache.put(newest, PROFILE);
  const left = new Set([...Deno.readDirSync(folder)].map(({ name }) => name));
  assertEquals(left, new Set([...keys.slice(1), newest, ".new-fresh"]));
});

Deno.test("a folder that others may use is not used", async () => {
  using scratch = scratchFolder();
  const folder = `${scratch.path}/cache`;
  const cache = new ProfileCache(folder);
  const key = await cacheKey(["it"]);
  await cache.put(key, PROFILE);
  Deno.chmodSync(folder, 0o750);
  assertEquals(await cache.get(key), undefined);
  const second = await cacheKey(["second"]);
  await cache.put(second, PROFILE);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [key]);
  Deno.chmodSync(folder, 0o700);
  assertNotEquals(await cache.get(key), undefined);
  Deno.renameSync(folder, `${scratch.path}/elsewhere`);
  Deno.symlinkSync(`${scratch.path}/elsewhere`, folder);
  assertEquals(await cache.get(key), undefined);
});

Deno.test("a folder that can't be made keeps nobody from going on", async () => {
  using scratch = scratchFolder();
  const cache = new ProfileCache(`${scratch.path}/missing/cache`);
  await cache.put(await cacheKey([]), PROFILE);
  assertEquals([...Deno.readDirSync(scratch.path)], []);
});
