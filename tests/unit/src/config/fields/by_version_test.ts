import { assertEquals } from "@std/assert";
import { validateConfig } from "../../../../../src/config/validate/validate.ts";

const read = (ociVersion: string, limit: number | undefined) =>
  validateConfig({
    ociVersion,
    root: { path: "rootfs" },
    linux: { resources: { pids: limit === undefined ? {} : { limit } } },
  }).linux?.resources?.pids?.limit;

Deno.test("a limit of 0 tasks is none before version 1.3 of the spec, and one since", () => {
  for (const version of ["1.0.0", "1.0.2-dev", "1.1.0", "1.2.1"]) {
    assertEquals(read(version, 0), -1, version);
    assertEquals([read(version, 7), read(version, -1), read(version, undefined)], [
      7,
      -1,
      undefined,
    ]);
  }
  assertEquals([read("1.3.0", 0), read("1.3.0", -1)], [0, -1]);
});
