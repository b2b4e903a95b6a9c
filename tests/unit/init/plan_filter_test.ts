import { assertEquals } from "@std/assert";
import { planLaunchUsher } from "../../../init/launch/launch_usher.ts";
import { listPlan } from "../../../init/listing/listing.ts";
import { planInit } from "../../../init/plan.ts";
import { type SyscallName, syscallNumber } from "../../../ffi/c/syscalls.ts";
import { BASE, FACTS, FILTER, LAUNCH, spec, V2 } from "../../fixtures/plans.ts";

Deno.test("who is born where others are has its filter, and no right beside, from its first moment on", () => {
  const namespaces = [{ type: "pid", path: "/proc/9/ns/pid" }, { type: "mount" }] as const;
  const config = spec((draft) => {
    draft.linux.namespaces = namespaces;
    draft.process = { cwd: "/", args: ["/bin/true"], noNewPrivileges: false };
  });
  const bornBy = (program: string) => {
    const seccomp = { ...FILTER, program };
    const plan = planInit({ ...BASE, cgroups: V2, config, seccomp }, FACTS);
    const made = { reader: 11, writer: 12 };
    const page = { fd: 13, address: 0x3000_0000n };
    const usher = planLaunchUsher({ ...LAUNCH, namespaces, made, page, seccomp }, plan);
    return usher.slice(usher.findLastIndex(({ syscall }) => syscall === "close_range")).map((
      item,
    ) => item.syscall).filter((name) => ["seccomp", "capset", "clone3", "clone"].includes(name));
  };
  assertEquals(bornBy(FILTER.program), ["seccomp", "capset", "clone3"]);
  assertEquals(bornBy(allBut("clone3")), ["seccomp", "capset", "clone"]);
  assertEquals(bornBy(allBut("setsid")), ["clone3", "seccomp", "capset"]);
  assertEquals(bornBy(allBut("read")), ["clone3", "seccomp"]);
});

/** The plan's last calls with a filter. */
function endOf(flags: number, noNewPrivileges: boolean, program = FILTER.program) {
  const config = spec((draft) => {
    draft.process = { cwd: "/", args: ["/bin/true"], noNewPrivileges };
  });
  const init = { ...BASE, cgroups: V2, config, seccomp: { ...FILTER, program, flags } };
  const items = listPlan(planInit(init, FACTS));
  return items.slice(items.findLastIndex(({ syscall }) => syscall === "close_range") + 1);
}

/** Allows all but one call; the others fail with EPERM. */
function allBut(name: SyscallName): string {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  [[0x20, 0, 0], [0x15, 1, syscallNumber(name)], [0x06, 0, 0x7fff0000], [0x06, 0, 0x50001]]
    .forEach(([code = 0, jump = 0, k = 0], at) => {
      view.setUint16(8 * at, code, true);
      view.setUint8(8 * at + 2, jump);
      view.setUint32(8 * at + 4, k, true);
    });
  return bytes.toBase64();
}

Deno.test("a filter stands before the container waits, and what it needed is dropped", () => {
  const behind = ["write", "read", "exit_group", "read", "execve"];
  assertEquals(endOf(0, true).map(({ syscall }) => syscall), ["prctl", "seccomp", ...behind]);
  const dropped = ["prctl", "seccomp", "capset", ...behind];
  assertEquals(endOf(0, false).map(({ syscall }) => syscall), dropped);
  assertEquals(endOf(8, false).map(({ syscall }) => syscall), dropped);
  const withoutCapset = endOf(8, false, allBut("capset"));
  assertEquals(withoutCapset.map(({ syscall }) => syscall), ["prctl", "seccomp", ...behind]);
});

for (
  const [denied, noNewPrivileges] of [["read", true], ["write", true], ["capset", false]] as const
) {
  Deno.test(`nothing but execve follows a filter that denies ${denied}, nor a jump`, () => {
    assertEquals(endOf(0, noNewPrivileges, allBut(denied)).map(({ syscall }) => syscall), [
      "prctl",
      "write",
      "read",
      "exit_group",
      "read",
      "seccomp",
      "execve",
    ]);
  });
}

Deno.test("a filter with a listener is there before the parent is told, and only reads and writes follow", () => {
  assertEquals(endOf(8, true).map(({ syscall }) => syscall), [
    "prctl",
    "seccomp",
    "write",
    "read",
    "exit_group",
    "read",
    "execve",
  ]);
});
