import { assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../../src/errors.ts";
import type { NetworkMode } from "../../../../../src/config/types/network_mode.ts";
import { checkNetworkMode } from "../../../../../src/config/validate_network/network_mode.ts";

function faultsOf(mode: unknown): string[] {
  const error = assertThrows(() => checkNetworkMode(mode as NetworkMode), ContainerError);
  assertEquals(error.code, "ConfigInvalid");
  return (error.faults ?? []).map(({ pointer, message }) => `${pointer}: ${message}`);
}

Deno.test("words and bridges are taken", () => {
  for (const kind of ["loopback", "none", "host"] as const) {
    assertEquals(checkNetworkMode(kind), { kind });
  }
  const bridge = checkNetworkMode({
    bridge: "web.0",
    subnet: "10.90.0.0/16",
    publish: ["8080:80", { hostPort: 53, containerPort: 53, protocol: "udp" }],
  });
  if (bridge.kind !== "bridge") throw new Error("no bridge");
  assertEquals([bridge.name, bridge.subnet?.prefixLength, bridge.ports.length], ["web.0", 16, 2]);
});

Deno.test("programs of the user are taken by word and as an object", () => {
  assertEquals(checkNetworkMode("slirp4netns"), { kind: "slirp4netns", ports: [] });
  assertEquals(checkNetworkMode({ through: "pasta", publish: ["8080:80"] }), {
    kind: "pasta",
    ports: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  });
  assertEquals(faultsOf({ through: "slirp4netns", publish: ["8080:80"] }), [
    "/network/publish: can't be done by slirp4netns; use pasta",
  ]);
  assertEquals(faultsOf({ through: "tor" }).length, 1);
});

Deno.test("what is no network is refused, all faults at once", () => {
  assertEquals(faultsOf("bridged"), [
    '/network: must be one of loopback, none, host, bridge, pasta, slirp4netns, not "bridged"',
  ]);
  assertEquals(faultsOf(7).length, 1);
  assertEquals(faultsOf(null).length, 1);
  const names = [
    "",
    "all",
    "default",
    ".a",
    "-a",
    "a b",
    "a/b",
    'a"b',
    "a;b",
    "sixteen-letters-",
    7,
  ];
  for (const bridge of names) {
    assertEquals(faultsOf({ bridge })[0]?.split(":")[0], "/network/bridge", String(bridge));
  }
  const subnets = ["10.90.0.1/16", "10.90.0.0", "fd00::/64", "10.0.0.0/7", "10.0.0.0/31", 7];
  for (const subnet of [...subnets, "127.0.0.0/8", "224.0.0.0/8", "0.0.0.0/8"]) {
    assertEquals(faultsOf({ subnet })[0]?.split(":")[0], "/network/subnet", String(subnet));
  }
  const all = faultsOf({ bridge: "", subnet: "x", publish: ["80:80", "80", {}, 7] });
  assertEquals(all.map((fault) => fault.split(":")[0]), [
    "/network/bridge",
    "/network/subnet",
    "/network/publish/1",
    "/network/publish/2",
    "/network/publish/3",
  ]);
  assertEquals(faultsOf({ publish: "80:80" }).length, 1);
});
