import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Config } from "../../../../../src/config/types/config.ts";
import type { Seccomp } from "../../../../../src/config/types/seccomp.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { prepareSeccomp } from "../../../../../src/security/filters/seccomp.ts";
import { scratchFolder } from "../../../../fixtures/bundle.ts";
import { missingLibrary } from "../../../../fixtures/filter_machine.ts";
import { testWhere } from "../../../../fixtures/test_where.ts";

const MISSING = missingLibrary();
const LOG = 2;
const SPEC_ALLOW = 4;
const NEW_LISTENER = 8;
const WAIT_KILLABLE_RECV = 32;

const PROFILE: Seccomp = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdirat", "no_such_call"], action: "SCMP_ACT_ERRNO" }],
};

function config(seccomp: Seccomp | undefined): Config {
  const linux = seccomp === undefined ? {} : { seccomp };
  return { ociVersion: "1.2.0", process: { cwd: "/", noNewPrivileges: true }, linux };
}

Deno.test("without a profile there is no filter, and nothing is opened", async () => {
  assertEquals(
    await prepareSeccomp(config(undefined), { cache: "/none", library: "/none" }),
    undefined,
  );
});

Deno.test("a host without libseccomp is told which package it needs", async () => {
  const library = "libhull-no-such-library.so.2";
  const error = await assertRejects(
    () => prepareSeccomp(config(PROFILE), { cache: "/none", library }),
    ContainerError,
  );
  assertEquals(
    [error.code, error.step, error.path, error.pointer],
    ["Unsupported", "seccomp", library, "/linux/seccomp"],
  );
  assertStringIncludes(error.message, "libseccomp2");
});

testWhere(MISSING, "the flags of seccomp(2) come from the profile", async () => {
  const flagsOf = async (seccomp: Seccomp) =>
    (await prepareSeccomp(config(seccomp), { cache: "/none" }))?.flags;
  const notify: Seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath: "/run/agent",
    syscalls: [{ names: ["mkdirat"], action: "SCMP_ACT_NOTIFY" }],
  };
  assertEquals(await flagsOf(PROFILE), SPEC_ALLOW);
  assertEquals(await flagsOf({ ...PROFILE, flags: [] }), 0);
  assertEquals(await flagsOf({ ...PROFILE, flags: ["SECCOMP_FILTER_FLAG_TSYNC"] }), 0);
  const both = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"] as const;
  assertEquals(await flagsOf({ ...PROFILE, flags: both }), LOG | SPEC_ALLOW);
  const wait = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"] as const;
  assertEquals(await flagsOf({ ...PROFILE, flags: wait }), 0);
  assertEquals(await flagsOf({ ...notify, flags: wait }), NEW_LISTENER | WAIT_KILLABLE_RECV);
});

testWhere(
  MISSING,
  "a second call takes the profile from the cache, whatever its listener",
  async () => {
    using scratch = scratchFolder();
    const cache = `${scratch.path}/cache`;
    const first = await prepareSeccomp(config(PROFILE), { cache });
    assertEquals(first?.unknown, ["no_such_call"]);
    const [{ name } = { name: "" }] = [...Deno.readDirSync(cache)];
    const inode = Deno.lstatSync(`${cache}/${name}`).ino;
    const again = { ...PROFILE, flags: ["SECCOMP_FILTER_FLAG_LOG"] as const };
    const second = await prepareSeccomp(config(again), { cache });
    assertEquals(second, { ...first, flags: LOG } as typeof second);
    assertEquals(Deno.lstatSync(`${cache}/${name}`).ino, inode);
    Deno.writeTextFileSync(`${cache}/${name}`, "damaged");
    assertEquals(await prepareSeccomp(config(PROFILE), { cache }), first);
    assert(Deno.lstatSync(`${cache}/${name}`).size > 100); // made anew
    await prepareSeccomp(config({ ...PROFILE, defaultAction: "SCMP_ACT_LOG" }), { cache });
    assertEquals([...Deno.readDirSync(cache)].length, 2);
  },
);

testWhere(MISSING, "a plan leaves the cache as it is", async () => {
  using scratch = scratchFolder();
  await prepareSeccomp(config(PROFILE), { cache: `${scratch.path}/cache`, keep: false });
  assertEquals([...Deno.readDirSync(scratch.path)], []);
});

testWhere(
  MISSING,
  "a program that has the profile in memory needs neither library nor cache",
  async () => {
    const recent = new Map();
    const first = await prepareSeccomp(config(PROFILE), { cache: "/none", recent });
    const nothing = { cache: "/none", library: "libhull-no-such-library.so.2", recent };
    assertEquals(await prepareSeccomp(config(structuredClone(PROFILE)), nothing), first);
    const other = { ...PROFILE, defaultAction: "SCMP_ACT_LOG" } as const;
    await assertRejects(() => prepareSeccomp(config(other), nothing), ContainerError);
    for (let errnoRet = 1; errnoRet <= 20; errnoRet++) {
      const syscalls = [{ names: ["mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet }] as const;
      await prepareSeccomp(config({ ...PROFILE, syscalls }), { cache: "/none", recent });
    }
    assertEquals(recent.size, 8); // and the first is not among them
    await assertRejects(() => prepareSeccomp(config(PROFILE), nothing), ContainerError);
  },
);
