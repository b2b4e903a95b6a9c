import { assertEquals } from "@std/assert";
import { changed, goodConfig, lines, warningsOf } from "../faults.ts";

Deno.test("an unknown capability is a warning, not a fault", () => {
  assertEquals(
    lines(warningsOf(changed("/process/capabilities", { bounding: ["CAP_KILL", "CAP_FLY"] }))),
    ['/process/capabilities/bounding/1: is not a known capability and is left out: "CAP_FLY"'],
  );
});

Deno.test("an ambient capability that is not permitted and inheritable is a warning", () => {
  const sets = {
    permitted: ["CAP_KILL", "CAP_CHOWN"],
    inheritable: ["CAP_KILL"],
    ambient: ["CAP_KILL", "CAP_CHOWN"],
  };
  assertEquals(lines(warningsOf(changed("/process/capabilities", sets))), [
    "/process/capabilities/ambient: can only have what is permitted and inheritable, and so not " +
    "CAP_CHOWN",
  ]);
});

Deno.test("a relative mount destination is a warning", () => {
  assertEquals(
    warningsOf(changed("/mounts", [{ destination: "tmp", type: "tmpfs" }])).map((w) => w.pointer),
    ["/mounts/0/destination"],
  );
});

Deno.test("mappings beside a joined user namespace are a warning", () => {
  const config = goodConfig();
  changed("/linux/namespaces", [{ type: "user", path: "/proc/9/ns/user" }], config);
  changed("/linux/uidMappings", [{ containerID: 0, hostID: 0, size: 1 }], config);
  assertEquals(warningsOf(config).map((w) => w.pointer), ["/linux/uidMappings"]);
});

Deno.test("limits of the kernel's own memory, which have no effect, are a warning", () => {
  for (const name of ["kernel", "kernelTCP"]) {
    const pointer = `/linux/resources/memory/${name}`;
    const warned = (limit: number) => lines(warningsOf(changed(pointer, limit)));
    assertEquals(warned(4096), [`${pointer}: is obsolete and ignored`]);
    assertEquals([warned(-1), warned(0)], [[], []]);
  }
});

Deno.test("CPU shares that the kernel clamps and personality flags are warnings", () => {
  for (const shares of [1, 262_145]) {
    assertEquals(
      warningsOf(changed("/linux/resources/cpu/shares", shares)).map((w) => w.pointer),
      ["/linux/resources/cpu/shares"],
    );
  }
  assertEquals(
    warningsOf(changed("/linux/personality", { domain: "LINUX", flags: ["x"] }))
      .map((w) => w.pointer),
    ["/linux/personality/flags"],
  );
});
