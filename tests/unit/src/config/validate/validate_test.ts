import { assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../../src/errors.ts";
import {
  checkConfig,
  validateConfig,
  validateResources,
} from "../../../../../src/config/validate/validate.ts";
import { validateProcess } from "../../../../../src/config/validate/validate_process.ts";
import { changed, faultsFrom, faultsOf, goodConfig, lines } from "../faults.ts";

Deno.test("a good config comes back as it was", () => {
  assertEquals<unknown>(validateConfig(goodConfig()), goodConfig());
  assertEquals(checkConfig(goodConfig()).warnings, []);
});

Deno.test("the config that comes back is a copy", () => {
  const document = goodConfig();
  const config = validateConfig(document);
  changed("/root/path", "elsewhere", document);
  assertEquals(config.root?.path, "rootfs");
});

Deno.test("null counts as missing, as the spec's Go types write it", () => {
  const config = changed("/mounts", null);
  changed("/process/capabilities", { bounding: null }, config);
  assertEquals(validateConfig(config).mounts, undefined);
  assertEquals(lines(faultsOf(changed("/process/cwd", null))), ["/process/cwd: is required"]);
});

Deno.test("properties that the spec doesn't know and sections for other systems are allowed", () => {
  const config = changed("/linux/futureField", { deep: [1] });
  changed("/windows", { layerFolders: "not\0checked" }, config);
  changed("/vm", 7, config);
  assertEquals(faultsOf(config), []);
});

Deno.test("a document that is no object is refused at its root", () => {
  for (const document of [null, undefined, 7, "text", [goodConfig()], true]) {
    assertEquals(faultsOf(document).map((fault) => fault.pointer), [""]);
  }
});

Deno.test("all faults are reported at once, each once, and the message is one line", () => {
  const config = changed("/ociVersion", "2.0.0");
  changed("/root", { path: "" }, config);
  changed("/process/rlimits", [{ type: "RLIMIT_FOO", soft: 2, hard: 1 }], config);
  changed("/process/user", { uid: -1 }, config);
  const error = assertThrows(() => validateConfig(config), ContainerError);
  assertEquals(error.code, "ConfigInvalid");
  assertEquals(error.faults?.map((fault) => fault.pointer).sort(), [
    "/ociVersion",
    "/process/rlimits/0/soft",
    "/process/rlimits/0/type",
    "/process/user/uid",
    "/root/path",
  ]);
  assertEquals(error.message.includes("\n"), false);
});

Deno.test("a pointer escapes tilde and slash (RFC 6901)", () => {
  assertEquals(
    lines(faultsOf(changed("/annotations", { "a/b~c": 1 }))),
    ["/annotations/a~1b~0c: must be a string, not 1"],
  );
});

Deno.test("a NUL byte is refused in any string and any name", () => {
  const places: [string, string][] = [
    ["/root/path", "/root/path"],
    ["/mounts", "/mounts/0/source"],
    ["/annotations", "/annotations/a"],
    ["/linux/mountLabel", "/linux/mountLabel"],
    ["/linux/unknownField", "/linux/unknownField"],
  ];
  for (const [at, pointer] of places) {
    const bad = "x\0y";
    const value = at === "/mounts"
      ? [{ destination: "/a", source: bad }]
      : at === "/annotations"
      ? { a: bad }
      : bad;
    assertEquals(lines(faultsOf(changed(at, value))), [`${pointer}: must not hold a NUL byte`]);
  }
  assertEquals(
    lines(faultsOf(changed("/annotations", { "a\0": "" }))),
    ["/annotations/a\0: has a NUL byte in its name"],
  );
});

Deno.test("a string of 65,536 bytes is refused, arguments and annotations may be longer", () => {
  const long = (bytes: number) => "/" + "é".repeat((bytes - 1) / 2);
  assertEquals(faultsOf(changed("/root/path", long(65_535))), []);
  assertEquals(
    lines(faultsOf(changed("/root/path", long(65_537)))),
    ["/root/path: must be at most 65535 bytes long, not 65537"],
  );
  const namespaces = [{ type: "network", path: "/" + "x".repeat(65_535) }];
  assertEquals(
    faultsOf(changed("/linux/namespaces", namespaces)).map((fault) => fault.pointer),
    ["/linux/namespaces/0/path"],
  );
  assertEquals(faultsOf(changed("/process/args", ["sh", "-c", "x".repeat(131_071)])), []);
  assertEquals(
    lines(faultsOf(changed("/process/args", ["sh", "-c", "x".repeat(131_072)]))),
    ["/process/args/2: must be at most 131071 bytes long, not 131072"],
  );
  assertEquals(faultsOf(changed("/annotations", { note: "x".repeat(300_000) })), []);
});

Deno.test("a document nested without end is refused, not followed", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assertEquals(faultsOf(changed("/unknown", deep)).length, 1);
});

Deno.test("a property named __proto__ stays plain data", () => {
  const config = JSON.parse(
    JSON.stringify(goodConfig()).replace("{", '{"__proto__":{"hostname":7},'),
  );
  assertEquals(faultsOf(config), []);
  assertEquals(validateConfig(config).hostname, undefined);
});

Deno.test("a process is validated by itself, pointers beginning there", () => {
  assertEquals(validateProcess({ args: ["ps"], cwd: "/" }).args, ["ps"]);
  assertEquals(
    lines(faultsFrom(() => validateProcess({ args: [], cwd: "tmp" }))),
    [
      '/cwd: must be an absolute path, not "tmp"',
      "/args: must have at least one entry",
    ],
  );
});

Deno.test("an update of resources may give the swap limit alone, a config may not", () => {
  assertEquals(validateResources({ memory: { swap: 4096 } }), { memory: { swap: 4096 } });
  assertEquals(
    lines(faultsOf(changed("/linux/resources", { memory: { swap: 4096 } }))),
    ["/linux/resources/memory/swap: needs a memory limit beside it"],
  );
});
