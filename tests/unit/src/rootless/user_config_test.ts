import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type { Config } from "../../../../src/config/types/config.ts";
import { ContainerError } from "../../../../src/errors.ts";
import {
  type Caller,
  defaultMap,
  fitToUser,
  withReason,
} from "../../../../src/rootless/user_config.ts";
import { Random } from "../../../fixtures/random.ts";

const ids = (own: number, ...given: [number, number][]) => ({
  own,
  given: given.map(([start, size]) => ({ start, size })),
  lack: given.length === 0 ? "there are none" : undefined,
});

const who: Caller = { uids: ids(1000, [100000, 10]), gids: ids(1001, [200000, 20]) };
const alone: Caller = { uids: ids(1000), gids: ids(1001) };

const config = (linux: Config["linux"], process?: Config["process"]): Config => ({
  ociVersion: "1.0.2",
  ...(process === undefined ? {} : { process }),
  ...(linux === undefined ? {} : { linux }),
});

Deno.test("the own id is the container's user, the ids below and above it come from the ranges", () => {
  assertEquals(defaultMap(3, ids(1000, [100, 2], [200, 5])), [
    { containerID: 0, hostID: 100, size: 2 },
    { containerID: 2, hostID: 200, size: 1 },
    { containerID: 3, hostID: 1000, size: 1 },
    { containerID: 4, hostID: 201, size: 4 },
  ]);
  assertEquals(defaultMap(9, ids(1000, [100, 2])), [
    { containerID: 0, hostID: 100, size: 2 },
    { containerID: 9, hostID: 1000, size: 1 },
  ]);
  assertEquals(defaultMap(9, ids(1000)), [{ containerID: 9, hostID: 1000, size: 1 }]);
});

Deno.test("a default map has each id of the ranges once, and the own one at its place", () => {
  const random = new Random(17);
  for (let round = 0; round < 300; round++) {
    const count = random.below(4);
    const given = Array.from({ length: count }, (_, k): [number, number] => [
      100_000 * (k + 1),
      1 + random.below(9),
    ]);
    const inside = random.below(20);
    const map = defaultMap(inside, ids(1000, ...given));
    const inner = map.flatMap(({ containerID, size }) =>
      Array.from({ length: size }, (_, k) => containerID + k)
    );
    const outer = map.flatMap(({ hostID, size }) =>
      Array.from({ length: size }, (_, k) => hostID + k)
    );
    const all = given.flatMap(([start, size]) => Array.from({ length: size }, (_, k) => start + k));
    assertEquals(new Set(inner).size, inner.length);
    assertEquals([...outer].sort((a, b) => a - b), [1000, ...all]);
    assertEquals(outer[inner.indexOf(inside)], 1000);
  }
});

Deno.test("a config gets a user namespace and the maps that it does not name", () => {
  const uids = [{ containerID: 0, hostID: 1000, size: 1 }, {
    containerID: 1,
    hostID: 100000,
    size: 10,
  }];
  const gids = [{ containerID: 0, hostID: 1001, size: 1 }, {
    containerID: 1,
    hostID: 200000,
    size: 20,
  }];
  const whole = { namespaces: [{ type: "user" as const }], uidMappings: uids, gidMappings: gids };
  for (const linux of [undefined, {}, { namespaces: [{ type: "user" as const, path: "" }] }]) {
    const { config: fitted, warnings } = fitToUser(config(linux), who);
    assertEquals(fitted.linux, {
      ...whole,
      ...linux,
      namespaces: [{ type: "user", ...(linux?.namespaces?.[0] ?? {}) }],
    });
    assertEquals(warnings, []);
  }
  const own = [{ containerID: 0, hostID: 5, size: 1 }];
  const half = fitToUser(config({ namespaces: [{ type: "user" }], uidMappings: own }), who);
  assertEquals([half.config.linux?.uidMappings, half.config.linux?.gidMappings], [own, gids]);
});

Deno.test("a user namespace that exists, and what is no config, stay as they are", () => {
  const joined = config({ namespaces: [{ type: "user", path: "/proc/1/ns/user" }] });
  assertEquals(fitToUser(joined, who), { config: joined, warnings: [] });
  for (const wrong of [7, null, [], { linux: { namespaces: 5 } }]) {
    const { config: same } = fitToUser(wrong as unknown as Config, who);
    assertEquals(same as unknown, wrong);
  }
});

Deno.test("why only one id is mapped is said once, and of a fault that comes of it", () => {
  const { warnings } = fitToUser(config({}), alone);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0]?.message ?? "", "there are none");
  const fault = (message: string) =>
    new ContainerError("ConfigInvalid", "no", { faults: [{ pointer: "/x", message }] });
  const told = withReason(fault("is not mapped by linux.gidMappings: 4"), warnings);
  assertInstanceOf(told, ContainerError);
  assertStringIncludes(told.hint ?? "", "there are none");
  const other = fault("must be a number");
  assertEquals(withReason(other, warnings), other);
});
