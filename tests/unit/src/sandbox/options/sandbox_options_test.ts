import { assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../../src/errors.ts";
import {
  checkOptions,
  durationMs,
  type Memory,
  memoryBytes,
  type SandboxOptions,
} from "../../../../../src/sandbox/options/sandbox_options.ts";

Deno.test("amounts of memory have decimal and binary units", () => {
  const cases: readonly [string | number, number | undefined][] = [
    ["1GiB", 1024 ** 3],
    ["1.5MB", 1_500_000],
    ["7kB", 7000],
    ["7KiB", 7168],
    [4096, 4096],
    ["1gb", undefined],
    ["7KB", undefined],
    ["-1GB", undefined],
    ["GB", undefined],
    ["", undefined],
    [0, undefined],
    [-5, undefined],
    [1.5, undefined],
    [NaN, undefined],
    [`${"9".repeat(30)}GB`, undefined],
  ];
  for (const [memory, bytes] of cases) {
    assertEquals(memoryBytes(memory as Memory), bytes, `${memory}`);
  }
});

Deno.test("durations are seconds and minutes", () => {
  const cases: readonly [string, number | undefined][] = [
    ["90s", 90_000],
    ["0.5m", 30_000],
    ["0s", undefined],
    ["5h", undefined],
    ["5", undefined],
    ["-5s", undefined],
    ["1e9m", undefined],
    ["99999999m", undefined],
  ];
  for (const [duration, ms] of cases) assertEquals(durationMs(duration), ms, duration);
});

Deno.test("all faults of a sandbox's options are told at once", () => {
  const labels = {
    ["n".repeat(65)]: "x",
    long: "v".repeat(129),
    three: "",
    four: "",
    five: "",
    six: "",
  };
  const options = { env: { "A=": "x", N: "a\0" }, labels, memory: "1", port: 70000 };
  const error = assertThrows(
    () => checkOptions(options as unknown as SandboxOptions),
    ContainerError,
  );
  assertEquals(error.faults?.map(({ pointer }) => pointer), [
    "/env/A=",
    "/env/N",
    "/labels",
    `/labels/${"n".repeat(65)}`,
    "/labels/long",
    "/memory",
    "/port",
  ]);
  assertEquals(checkOptions({}), {
    env: {},
    labels: {},
    timeoutMs: undefined,
    memory: undefined,
    port: undefined,
    volumes: [],
    allowNet: [],
  });
  const odd = { timeout: "constructor", ssh: false, volumes: {}, region: "ams" };
  assertEquals(
    assertThrows(() => checkOptions(odd as unknown as SandboxOptions), ContainerError).code,
    "ConfigInvalid",
  );
});
