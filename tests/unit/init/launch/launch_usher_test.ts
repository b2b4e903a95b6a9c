import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import { hardLimitOf, setLimit, softLimitOf } from "../../../../ffi/processes/rlimit.ts";
import { needsUsher } from "../../../../init/launch/launch_usher.ts";
import { countFds } from "../../../fixtures/open_fds.ts";

const JOINED = [{ type: "pid", path: "/proc/self/ns/pid" }] as const;

Deno.test("a new pid namespace needs no usher", () => {
  assertEquals(needsUsher([{ type: "pid" }]), false);
});

Deno.test("whether a kernel lacks what an usher needs is not guessed from a want of fds", () => {
  const [soft, hard] = [softLimitOf("RLIMIT_NOFILE"), hardLimitOf("RLIMIT_NOFILE")];
  const before = countFds();
  try {
    setLimit(0, "RLIMIT_NOFILE", 0, hard); // keeps what is open
    const error = assertThrows(() => needsUsher(JOINED), SyscallError);
    assertEquals(error.code, "EMFILE");
  } finally {
    setLimit(0, "RLIMIT_NOFILE", soft, hard);
  }
  const known = needsUsher(JOINED);
  assert(typeof known === "boolean");
  assert(countFds() <= before);
});
