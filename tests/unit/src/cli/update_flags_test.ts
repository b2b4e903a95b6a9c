import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "../../../../src/cli/flags/options.ts";
import { rowsOf } from "../../../../src/cli/commands/ps.ts";
import { command, fromFlags } from "../../../../src/cli/commands/update.ts";
import { ContainerError } from "../../../../src/errors.ts";

Deno.test("update's flags name their fields; negative values and - need no equals sign", () => {
  const parse = (...args: string[]) => parseFlags(args, command.flags, "hull update");
  const { flags, args } = parse(
    ...["--blkio-weight", "100", "--cpu-period", "50000", "--cpu-quota", "-1", "--cpu-burst=9"],
    ...["--cpu-share", "512", "--cpu-rt-period", "1", "--cpu-rt-runtime", "-1", "--cpu-idle", "1"],
    ...["--cpuset-cpus", "0-1", "--cpuset-mems", "0", "--memory", "-1", "--memory-swap=2G"],
    ...["--memory-reservation", "1M", "--pids-limit", "-1", "web"],
  );
  assertEquals(args, ["web"]);
  assertEquals(fromFlags(flags), {
    blockIO: { weight: 100 },
    cpu: {
      period: 50000,
      quota: -1,
      burst: 9,
      shares: 512,
      realtimePeriod: 1,
      realtimeRuntime: -1,
      idle: 1,
      cpus: "0-1",
      mems: "0",
    },
    memory: { limit: -1, reservation: 2 ** 20, swap: 2 ** 31 },
    pids: { limit: -1 },
  });
  assertEquals(fromFlags(parse("web").flags), {});
  assertEquals(parse("-r", "-", "web").flags.resources, "-");
  assertThrows(() => parse("--memory"), ContainerError, "needs a BYTES");
});

Deno.test("a command that stops early leaves another program's options as they are", () => {
  const flags = [{ name: "format", letter: "f", value: "FORMAT", summary: "" }];
  const parsed = parseFlags(
    ["-f", "table", "web", "-f", "-1", "-o", "pid"],
    flags,
    "hull ps",
    true,
  );
  assertEquals(parsed.flags, { format: "table" });
  assertEquals(parsed.args, ["web", "-f", "-1", "-o", "pid"]);
});

Deno.test("of ps's rows those of the container are kept, whichever column holds the pid", () => {
  const listing = "  PID CMD\n   12 a b\n  123 12 x\n    7 c\n";
  assertEquals(rowsOf(listing, [12, 7]), "  PID CMD\n   12 a b\n    7 c\n");
  assertEquals(rowsOf("UID  PID\nroot  12\n", [12]), "UID  PID\nroot  12\n");
  assertThrows(() => rowsOf("CMD\nsh\n", [1]), ContainerError, "PID");
});
