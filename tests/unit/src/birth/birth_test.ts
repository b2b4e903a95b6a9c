/** The program between clone3 and init. @module */

import { assert, assertEquals } from "@std/assert";
import { CLONE_INTO_CGROUP } from "../../../../ffi/processes/namespaces.ts";
import type { Words } from "../../../../ffi/program/operation.ts";
import { type CgroupDoor, planBirth } from "../../../../src/birth/birth.ts";

const door = (controller: string, inside: number): CgroupDoor => ({
  controller,
  inside,
  late: false,
  isBirthplace: controller === "",
  outside: undefined,
});

Deno.test("a child is born in the v2 tree's cgroup, and enters the others by itself", () => {
  const cgroups = [door("freezer", 20), door("", 21)];
  const plan = planBirth({
    namespaces: 0,
    init: { fd: 9, args: ["hull-init"] },
    cgroups,
    fds: [],
    mapped: undefined,
  });
  const clone = plan.find(({ syscall }) => syscall === "clone3")?.args[0] as Words;
  const [flags, cgroup] = [clone.words[0], clone.words[10]];
  assert((BigInt(flags as bigint) & CLONE_INTO_CGROUP) !== 0n);
  assertEquals(cgroup, 21);
  const written = plan.filter(({ syscall }) => syscall === "write");
  assertEquals(written.map(({ args, path }) => [args[0], path]), [[20, "tasks"]]);
});

Deno.test("without a v2 tree a child is born where its parent is", () => {
  const options = { init: { fd: 9, args: [] }, cgroups: [door("pids", 20)], fds: [] };
  const plan = planBirth({ namespaces: 0, mapped: undefined, ...options });
  const clone = plan.find(({ syscall }) => syscall === "clone3")?.args[0] as Words;
  assertEquals(BigInt(clone.words[0] as bigint) & CLONE_INTO_CGROUP, 0n);
});
