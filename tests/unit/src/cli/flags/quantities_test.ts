import { assertEquals, assertThrows } from "@std/assert";
import {
  parseBytes,
  parseDuration,
  parseInteger,
} from "../../../../../src/cli/flags/quantities.ts";
import { ContainerError } from "../../../../../src/errors.ts";

Deno.test("amounts of memory are read as runc reads them", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["-1", -1],
    ["4096", 4096],
    ["1b", 1],
    ["32k", 32 * 1024],
    ["32kB", 32 * 1024],
    ["32KiB", 32 * 1024],
    ["1 m", 2 ** 20],
    ["1.5G", 1.5 * 2 ** 30],
    ["2t", 2 ** 41],
    ["1P", 2 ** 50],
  ];
  for (const [written, bytes] of cases) assertEquals(parseBytes("memory", written), bytes, written);
  for (const bad of ["", "-2", "1x", "1kk", "m", "1e3", "0x10", "1 2"]) {
    assertThrows(() => parseBytes("memory", bad), ContainerError, "--memory", bad);
  }
});

Deno.test("numbers and durations are read as Go's flags read them", () => {
  assertEquals(parseInteger("cpu-quota", "-1"), -1);
  assertEquals(parseInteger("cpu-share", "512", 0), 512);
  for (const bad of ["", "1.5", "many", "1e3", "99999999999999999999"]) {
    assertThrows(() => parseInteger("cpu-quota", bad), ContainerError);
  }
  assertThrows(() => parseInteger("cpu-share", "-1", 0), ContainerError);
  assertEquals(parseDuration("interval", "5s"), 5000);
  assertEquals(parseDuration("interval", "1m30.5s"), 90_500);
  assertEquals(parseDuration("interval", "250ms"), 250);
  for (const bad of ["", "5", "0s", "-1s", "s", "5 s", "5x"]) {
    assertThrows(() => parseDuration("interval", bad), ContainerError, "--interval", bad);
  }
});
