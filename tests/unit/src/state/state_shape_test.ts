import { assert, assertEquals } from "@std/assert";
import { readState, remainsOf } from "../../../../src/state/state_shape.ts";

const PROCESS = { pid: 12, startTime: 3, bootId: "b" };
const SOUND = {
  format: 1,
  id: "one",
  bundle: "/b",
  rootfs: "/b/rootfs",
  created: "2026-01-01T00:00:00.000Z",
  creator: PROCESS,
  init: PROCESS,
  cgroupPaths: { pids: "/sys/fs/cgroup/pids/one" },
  ownCgroups: ["/sys/fs/cgroup/pids/one"],
  config: { ociVersion: "1.0.0", process: { cwd: "/", args: ["true"] } },
};

Deno.test("a state of hull's is read, whatever a later hull of the same format has added", () => {
  const read = readState(JSON.stringify({ ...SOUND, later: true }), "one");
  assert("state" in read);
  assertEquals(read.state.init, PROCESS);
});

Deno.test("what is no state is told as what it is", () => {
  const faults: readonly [string, string][] = [
    ["", "is empty"],
    ["{", "is not JSON"],
    ["null", "is no JSON object"],
    ["[]", "is no JSON object"],
    ['"text"', "is no JSON object"],
    ["{}", "has the format none, and this hull reads 1"],
    [JSON.stringify({ ...SOUND, format: 2 }), "has the format 2, and this hull reads 1"],
    [JSON.stringify({ ...SOUND, id: "other" }), "is another container's"],
  ];
  for (const [text, fault] of faults) assertEquals(readState(text, "one"), { fault }, text);
});

Deno.test("a field of another type is no state", () => {
  const wrong: Readonly<Record<string, unknown>> = {
    bundle: 1,
    rootfs: null,
    created: {},
    creator: { pid: "12", startTime: 3, bootId: "b" },
    init: null,
    supervisor: [],
    driver: 7,
    cgroupPaths: { pids: 5 },
    ownCgroups: "all",
    network: { owner: 1, networks: {}, routes: [] },
    hasLease: "yes",
    config: { ociVersion: "1.0.0", hooks: { poststop: {} } },
  };
  for (const [name, value] of Object.entries(wrong)) {
    const fault = `has no usable ${JSON.stringify(name)}`;
    assertEquals(readState(JSON.stringify({ ...SOUND, [name]: value }), "one"), { fault });
  }
  const { config: _, ...without } = SOUND;
  assert("fault" in readState(JSON.stringify(without), "one"));
});

Deno.test("of a broken state each sound field remains, but none of another container's", () => {
  const { init, cgroupPaths, ownCgroups } = SOUND;
  const broken = JSON.stringify({ ...SOUND, format: 2, supervisor: 5, config: null });
  assertEquals(remainsOf(broken, "one"), { init, cgroupPaths, ownCgroups });
  for (const text of ["", "null", "{}", "[1]", JSON.stringify({ ...SOUND, id: "two" })]) {
    assertEquals(remainsOf(text, "one"), {}, text);
  }
});
