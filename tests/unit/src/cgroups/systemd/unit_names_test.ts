import { assertEquals, assertThrows } from "@std/assert";
import { slicePath, unitName, unitPath } from "../../../../../src/cgroups/systemd/unit_names.ts";
import { ContainerError } from "../../../../../src/errors.ts";

Deno.test("a path of systemd's form names the scope and its slice", () => {
  const cases: [string | undefined, string, boolean, string, string][] = [
    [undefined, "web", false, "hull-web.scope", "system.slice"],
    ["", "web", false, "hull-web.scope", "system.slice"],
    [undefined, "web", true, "hull-web.scope", "user.slice"],
    [undefined, "a+b", false, "hull-a\\x2bb.scope", "system.slice"],
    [undefined, "-x", false, "hull--x.scope", "system.slice"],
    ["system.slice:docker:12ab", "web", false, "docker-12ab.scope", "system.slice"],
    [":docker:12ab", "web", false, "docker-12ab.scope", "system.slice"],
    [":docker:12ab", "web", true, "docker-12ab.scope", "user.slice"],
    ["machine.slice::12ab", "web", false, "12ab.scope", "machine.slice"],
    ["-.slice:a:b", "web", false, "a-b.scope", "-.slice"],
    ["system.slice:a:b@c", "web", false, "a-b@c.scope", "system.slice"],
    ["kube.slice:cri:kube-pod.slice", "web", false, "kube-pod.slice", "kube.slice"],
  ];
  for (const [path, id, isUser, unit, slice] of cases) {
    assertEquals(unitName(path, id, isUser), { unit, slice }, path);
  }
});

Deno.test("slices are nested as their names say", () => {
  assertEquals(slicePath("-.slice"), "");
  assertEquals(slicePath("system.slice"), "/system.slice");
  assertEquals(slicePath("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
  assertEquals(
    unitPath({ unit: "hull-web.scope", slice: "a-b.slice" }),
    "/a.slice/a-b.slice/hull-web.scope",
  );
  assertEquals(unitPath({ unit: "memory.scope", slice: "-.slice" }), "/_memory.scope");
  assertEquals(slicePath("cpu-x.slice"), "/_cpu.slice/cpu-x.slice");
  assertEquals(unitPath({ unit: "x-y.slice", slice: "system.slice" }), "/x.slice/x-y.slice");
});

Deno.test("what is no unit of systemd is refused, with the field that names it", () => {
  const wrong = [
    "/web",
    "system.slice:web",
    "a:b:c:d",
    "system.slice:docker:",
    "system:docker:web",
    ".slice:docker:web",
    "a--b.slice:docker:web",
    "-a.slice:docker:web",
    "a-.slice:docker:web",
    "a/b.slice:docker:web",
    "../a.slice:docker:web",
    "system.slice:../x:web",
    "system.slice:a:b c",
    "system.slice:a:b/../c",
    "system.slice:a:-x-.slice",
    "system.slice:@a:web",
    `system.slice:a:${"x".repeat(250)}`,
    `${"x".repeat(250)}.slice:a:web`,
  ];
  for (const path of wrong) {
    const error = assertThrows(() => unitName(path, "web", false), ContainerError, undefined, path);
    assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/cgroupsPath"], path);
  }
});
