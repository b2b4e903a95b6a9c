import { assertEquals } from "@std/assert";
import { propertiesV1 } from "../../../../../src/cgroups/systemd/properties_v1.ts";
import { propertiesV2 } from "../../../../../src/cgroups/systemd/properties_v2.ts";
import { deviceProperties } from "../../../../../src/cgroups/systemd/device_properties.ts";
import { type Origin, pointed } from "../../../../../src/cgroups/systemd/refusals.ts";
import type { Resources } from "../../../../../src/config/types/config.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { refused } from "../../../../../src/systemd/bus_errors.ts";

const ASKED = { path: "/run/systemd/private", what: "StartTransientUnit" };
const INVALID = "org.freedesktop.DBus.Error.InvalidArgs";

function pointerFor(text: string, origin: Origin): string | undefined {
  const error = pointed(refused(ASKED, INVALID, [text]), origin);
  return error instanceof ContainerError ? error.pointer : undefined;
}

const devices = [{ major: 8, minor: 0, rate: 5, weight: 5 }];
const RESOURCES: Resources = {
  cpu: { shares: 1, quota: 1, period: 1, cpus: "0", mems: "0" },
  memory: { limit: 1, reservation: 1, swap: 2 },
  pids: { limit: 1 },
  blockIO: {
    weight: 1,
    weightDevice: devices,
    throttleReadBpsDevice: devices,
    throttleWriteBpsDevice: devices,
    throttleReadIOPSDevice: devices,
    throttleWriteIOPSDevice: devices,
  },
};

Deno.test("each property that can be refused leads to a field that is set", () => {
  const sent = [
    ...propertiesV1(RESOURCES),
    ...propertiesV2(RESOURCES),
    ...deviceProperties([], 1),
  ];
  for (const [name] of sent) {
    const text = `Value specified in ${name} is out of range`;
    const pointer = pointerFor(text, { resources: RESOURCES }) ?? "";
    const [, , , kind = "", field = ""] = pointer.split("/");
    const isSet = kind === "devices" ||
      field in (RESOURCES[kind as "cpu"] as Record<string, unknown> ?? {});
    assertEquals(isSet, true, `${name}: ${pointer}`);
  }
});

Deno.test("what was set last is what was refused", () => {
  const shares = "Value specified in CPUWeight is out of range";
  const unified = { "cpu.weight": "0" };
  assertEquals(
    pointerFor(shares, { resources: { cpu: { shares: 5 }, unified } }),
    "/linux/resources/unified/cpu.weight",
  );
  assertEquals(
    pointerFor(shares, { resources: { cpu: { idle: 1 } } }),
    "/linux/resources/cpu/idle",
  );
  const annotations = { "org.systemd.property.TimeoutStopSec": "uint64 5" };
  assertEquals(
    pointerFor("Cannot set property TimeoutStopUSec, or unknown property.", {
      resources: {},
      annotations,
    }),
    "/annotations/org.systemd.property.TimeoutStopSec",
  );
});

Deno.test("other failures are told as they are", () => {
  assertEquals(pointerFor("Unit name a.scope is not valid.", { resources: RESOURCES }), undefined);
  const other = new Error("CPUShares");
  assertEquals(pointed(other, { resources: RESOURCES }), other);
});
