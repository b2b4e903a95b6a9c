/**
 * Netlink against the kernel, in a network namespace of the test's own. Needs root.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../ffi/errno.ts";
import { open } from "../../ffi/file.ts";
import { addAddress, listAddresses } from "../../src/network/netlink/address.ts";
import {
  createLink,
  deleteLink,
  findLink,
  listLinks,
  setLinkUp,
} from "../../src/network/netlink/link.ts";
import { encodeBody } from "../../src/network/netlink/message.ts";
import { NetlinkError, RouteSocket } from "../../src/network/netlink/socket.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { addressesOf, TestNetwork } from "../fixtures/network.ts";

/** Runs a test with a socket in a namespace of its own. */
function test(name: string, body: (socket: RouteSocket, network: TestNetwork) => void): void {
  Deno.test(name, () =>
    leavesNothing("hull-netlink", async () => {
      await using network = await TestNetwork.make();
      using namespace = open(network.path);
      using socket = new RouteSocket(namespace);
      body(socket, network);
    }));
}

test("a socket belongs to the namespace that it was made in, and this program stays", (socket) => {
  const own = Deno.readLinkSync("/proc/thread-self/ns/net");
  assertEquals(listLinks(socket).map(({ name }) => name), ["lo"]);
  assertEquals(Deno.readLinkSync("/proc/thread-self/ns/net"), own);
});

test("links and addresses are made, listed, changed and removed", (socket, network) => {
  createLink(socket, { name: "ve0", kind: "veth", mtu: 1300, peer: { name: "ve1", mtu: 1300 } });
  const link = findLink(socket, "ve0");
  assertEquals([link?.name, link?.isUp, link?.mtu, link?.kind], ["ve0", false, 1300, "veth"]);
  assertEquals(findLink(socket, "ve1")?.mtu, 1300);
  const index = link?.index as number;
  setLinkUp(socket, index, true);
  assert(findLink(socket, "ve0")?.isUp);
  const address = {
    family: 2,
    index,
    prefixLength: 24,
    scope: 0,
    flags: 0,
    local: new Uint8Array([198, 51, 100, 7]),
    peer: undefined,
    broadcast: undefined,
    label: "ve0:x",
    metric: 77,
    protocol: undefined,
  };
  addAddress(socket, address);
  assertEquals(addressesOf(network.link("ve0")), ["198.51.100.7/24 global"]);
  assertEquals(network.link("ve0")?.addr_info[0]?.metric, 77);
  assertEquals(listAddresses(socket, index).map((one) => ({ ...one, flags: 0 })), [address]);
  deleteLink(socket, index);
  assertEquals(listLinks(socket).map(({ name }) => name), ["lo"]);
});

test("a list larger than one buffer is whole", (socket, network) => {
  const count = 300;
  for (let k = 0; k < count; k++) {
    createLink(socket, { name: `a${k}`, kind: "veth", peer: { name: `b${k}` } });
  }
  const seen = listLinks(socket).map(({ name }) => name).sort();
  assertEquals(seen.length, 2 * count + 1);
  assertEquals(seen, network.links().map(({ ifname }) => ifname).sort());
});

test("what the kernel refuses has its number and its words", (socket) => {
  createLink(socket, { name: "ve0", kind: "veth", peer: { name: "ve1" } });
  const again = assertThrows(
    () => createLink(socket, { name: "ve0", kind: "veth", peer: { name: "ve2" } }),
    NetlinkError,
  );
  assertEquals([again.request, again.code], ["RTM_NEWLINK", "EEXIST"]);
  const request = { name: "RTM_NEWLINK", type: 16, body: encodeBody(new Uint8Array(3)) };
  assertThrows(() => socket.request(request), NetlinkError);
  const unknown = { name: "RTM_GETADDR", type: 22, body: encodeBody(new Uint8Array(8)) };
  assert(socket.dump(unknown).length > 0, "the socket is usable after an error");
  assertEquals(findLink(socket, "nowhere"), undefined);
});

Deno.test("what is no network namespace can't be entered, and leaves nothing", async () => {
  await leavesNothing("hull-netlink", () => {
    for (const path of ["/dev/null", "/proc/self/ns/uts"]) {
      using file = open(path);
      const error = assertThrows(() => new RouteSocket(file), SyscallError);
      assertEquals([error.syscall, error.code], ["setns", "EINVAL"]);
    }
    return Promise.resolve();
  });
});
