import { assertEquals, assertThrows } from "@std/assert";
import {
  ALL_ACCESS,
  containerDevicePolicy,
  describe,
  MKNOD,
  policyAllows,
  READ,
  WRITE,
} from "../../../../../src/cgroups/controllers/device_rules.ts";
import { deviceTransition, parseDevicesList } from "../../../../../src/cgroups/v1/device_list.ts";
import type { DeviceRule } from "../../../../../src/config/types/config.ts";
import { ContainerError } from "../../../../../src/errors.ts";

const DEFAULTS = [
  "b *:* m",
  "c *:* m",
  "c 1:3 rwm",
  "c 1:5 rwm",
  "c 1:7 rwm",
  "c 1:8 rwm",
  "c 1:9 rwm",
  "c 5:0 rwm",
  "c 5:2 rwm",
  "c 10:200 rwm",
  "c 136:* rwm",
];

const policyOf = (...rules: DeviceRule[]) => containerDevicePolicy(rules);
const listOf = (...rules: DeviceRule[]) => policyOf(...rules).exceptions.map(describe);

Deno.test("without rules all is denied but the devices of every container", () => {
  assertEquals(policyOf().allowAll, false);
  assertEquals(listOf(), DEFAULTS);
  assertEquals(listOf({ allow: false, access: "rwm" }), DEFAULTS);
});

Deno.test("a rule for all devices drops what came before it", () => {
  const sda: DeviceRule = { allow: true, type: "b", major: 8, minor: 0, access: "rwm" };
  assertEquals(listOf(sda, { allow: false, type: "a" }), DEFAULTS);
  assertEquals(policyOf(sda, { allow: true, access: "rwm" }), { allowAll: true, exceptions: [] });
});

Deno.test("rules for one device add up, and later denials take away", () => {
  const rule = (allow: boolean, access: string): DeviceRule => (
    { allow, type: "b", major: 8, minor: 0, access }
  );
  const only = (...rules: DeviceRule[]) => listOf(...rules).filter((line) => line.includes("8:0"));
  assertEquals(only(rule(true, "r"), rule(true, "w")), ["b 8:0 rw"]);
  assertEquals(only(rule(true, "rw"), rule(false, "w")), ["b 8:0 r"]);
  assertEquals(only(rule(true, "rw"), rule(false, "rw")), []);
  assertEquals(only(rule(false, "rw")), []);
});

Deno.test("-1 and a missing number mean any, a missing access all", () => {
  assertEquals(
    listOf({ allow: true, type: "b", major: -1, minor: -1 }).filter((line) => line[0] === "b"),
    ["b *:* rwm"],
  );
});

Deno.test("a hole in a wider rule is refused: the kernel would ignore it", () => {
  const error = assertThrows(() =>
    policyOf(
      { allow: true, type: "c", major: 1, access: "rw" },
      { allow: false, type: "c", major: 1, minor: 3, access: "w" },
    ), ContainerError);
  assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/resources/devices/1"]);
});

Deno.test("what is no device rule is refused with its pointer", () => {
  const pointerOf = (rule: DeviceRule) =>
    assertThrows(() => policyOf(rule), ContainerError).pointer?.slice(25);
  assertEquals(pointerOf({ allow: true, access: "rx" }), "0/access");
  assertEquals(pointerOf({ allow: true, access: "" }), "0/access");
  assertEquals(pointerOf({ allow: true, type: "p" as "c" }), "0/type");
  assertEquals(pointerOf({ allow: true, type: "c", major: 2 ** 32 }), "0/major");
  assertEquals(pointerOf({ allow: true, type: "c", minor: -2 }), "0/minor");
});

Deno.test("with all allowed, one denied right denies; with all denied, all must be allowed", () => {
  const open = policyOf({ allow: true }, {
    allow: false,
    type: "b",
    major: 8,
    minor: 0,
    access: "w",
  });
  assertEquals(policyAllows(open, "b", 8, 0, READ), true);
  assertEquals(policyAllows(open, "b", 8, 0, READ | WRITE), false);
  assertEquals(policyAllows(open, "b", 8, 1, ALL_ACCESS), true);
  const closed = policyOf({ allow: true, type: "b", major: 8, access: "r" });
  assertEquals(policyAllows(closed, "b", 8, 7, READ), true);
  assertEquals(policyAllows(closed, "b", 8, 7, READ | WRITE), false);
  assertEquals(policyAllows(closed, "c", 8, 7, READ), false);
  assertEquals(policyAllows(closed, "c", 250, 7, MKNOD), true);
});

Deno.test("devices.list is read back to the same policy", () => {
  const policy = policyOf({ allow: true, type: "b", major: 8, access: "r" });
  assertEquals(parseDevicesList(policy.exceptions.map(describe).join("\n") + "\n"), policy);
  assertEquals(parseDevicesList("a *:* rwm\n"), { allowAll: true, exceptions: [] });
});

Deno.test("a change closes no device on the way that is open before and after", () => {
  const sda: DeviceRule = { allow: true, type: "b", major: 8, minor: 0, access: "rw" };
  const before = policyOf(sda);
  const after = policyOf({ ...sda, access: "rm" }, { ...sda, minor: 16 });
  assertEquals(deviceTransition(before, after), [
    { file: "devices.deny", line: "b 8:0 w" },
    { file: "devices.allow", line: "b 8:0 m" },
    { file: "devices.allow", line: "b 8:16 rw" },
  ]);
  assertEquals(deviceTransition(after, after), []);
});

Deno.test("a change of the mode resets all first", () => {
  const closed = policyOf();
  const open = policyOf({ allow: true });
  assertEquals(deviceTransition(closed, open), [{ file: "devices.allow", line: "a *:* rwm" }]);
  const commands = deviceTransition(open, closed);
  assertEquals(commands[0], { file: "devices.deny", line: "a *:* rwm" });
  assertEquals(commands.slice(1).map((c) => c.line), DEFAULTS);
  // What an open list leaves out is not known to the reader: so it is reset too.
  assertEquals(deviceTransition(open, open), [{ file: "devices.allow", line: "a *:* rwm" }]);
});
