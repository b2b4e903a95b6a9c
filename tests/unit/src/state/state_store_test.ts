import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { identify, isAlive, type ProcessIdentity } from "../../../../src/state/process_identity.ts";
import { StateStore } from "../../../../src/state/state_store.ts";
import type { StoredState } from "../../../../src/state/stored_state.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

const SELF = identify(Deno.pid) as ProcessIdentity;

function state(id: string, more: Partial<StoredState> = {}): StoredState {
  return {
    format: 1,
    id,
    bundle: "/b",
    rootfs: "/b/r",
    created: "2026-01-01T00:00:00.000Z",
    creator: SELF,
    cgroupPaths: {},
    config: { ociVersion: "1.0.0" },
    ...more,
  };
}

function make(store: StateStore, id: string): void {
  using folder = store.begin(id);
  folder.place(state(id));
}

/** Makes the calls in place. */
const ASIDE = { isAlone: true };

Deno.test("an id is one folder's: made once, written, read, listed, removed", async () => {
  using scratch = scratchFolder();
  const store = new StateStore(`${scratch.path}/root`);
  assertEquals(store.ids(), []);
  {
    using first = store.begin("one");
    using second = store.begin("one");
    assertEquals(first.place(state("one"))?.state, state("one"));
    assertEquals(second.place(state("one", { bundle: "/other" })), undefined);
  }
  assertEquals(store.read("one").state, state("one"));
  store.write(state("one", { bundle: "/changed" }));
  assertEquals(store.read("one").state.bundle, "/changed");
  assertEquals([...Deno.readDirSync(store.root)].map(({ name }) => name), ["one"]);
  assertEquals((Deno.lstatSync(`${scratch.path}/root/one`).mode ?? 0) & 0o777, 0o711);
  assertEquals(store.ids(), ["one"]);
  await store.remove("one", ASIDE);
  assertEquals(store.ids(), []);
  assertEquals(assertThrows(() => store.read("one"), ContainerError).code, "ContainerNotExists");
});

Deno.test("a state that can't be read is told, not taken for none", () => {
  using scratch = scratchFolder();
  const store = new StateStore(scratch.path);
  make(store, "bad");
  const [file] = [...Deno.readDirSync(`${scratch.path}/bad`)].map(({ name }) => name);
  Deno.writeTextFileSync(`${scratch.path}/bad/${file}`, "{");
  assertThrows(() => store.read("bad"), ContainerError);
});

Deno.test("a lock is waited for, and goes with its holder", async () => {
  using scratch = scratchFolder();
  const store = new StateStore(scratch.path);
  make(store, "locked");
  const first = await store.lock("locked");
  let isHeld = false;
  const second = store.lock("locked").then((fd) => {
    isHeld = true;
    return fd;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(isHeld, false);
  first.close();
  (await second).close();
  const error = await assertRejects(() => store.lock("none"), ContainerError);
  assertEquals(error.code, "ContainerNotExists");
});

Deno.test("a process is the same one by its start time and boot, whatever took its number", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const identity = identify(child.pid) as ProcessIdentity;
  assert(isAlive(identity));
  assertEquals(isAlive({ ...identity, startTime: identity.startTime - 1 }), false);
  assertEquals(isAlive({ ...identity, bootId: "another boot" }), false);
  child.kill("SIGKILL");
  await child.status;
  assertEquals(isAlive(identity), false);

  using scratch = scratchFolder();
  const store = new StateStore(scratch.path);
  {
    using folder = store.begin("x");
    folder.place(state("x", { creator: identity }));
  }
  const read = store.read("x").state;
  assert(store.isAbandoned(read));
  assertEquals(store.isAbandoned(state("x")), false);
  assertEquals(store.isAbandoned({ ...read, init: SELF }), false);
  // its creator has given it a first process since that was read, and ended
  store.write({ ...read, init: SELF });
  assertEquals(store.isAbandoned(read), false);
  await store.remove("x", ASIDE);
  assert(store.isAbandoned(read));
});

Deno.test("an id is at most as long as a file's name, and a longer one is told so", () => {
  const store = new StateStore("/run/root");
  assertEquals(store.folder("x".repeat(255)), `/run/root/${"x".repeat(255)}`);
  for (const length of [256, 1024, 1025]) {
    const error = assertThrows(() => store.folder("x".repeat(length)), ContainerError);
    assertEquals(error.code, "InvalidIdFormat");
    assertStringIncludes(error.message, `${length} characters are too many`);
    assert(error.message.length < 250, "the id is shown cut");
  }
});

Deno.test("a container that does not exist is said to be missing in its root", async () => {
  using scratch = scratchFolder();
  const store = new StateStore(scratch.path);
  const said = `container none does not exist in ${scratch.path}`;
  assertStringIncludes(assertThrows(() => store.read("none"), ContainerError).message, said);
  const error = await assertRejects(() => store.lock("none"), ContainerError);
  assertStringIncludes(error.message, said);
});
