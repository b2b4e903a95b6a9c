/** veth: a pair of interfaces, one in the container and one on a bridge of the host. @module */

import { ENODEV } from "../../../ffi/c/errno.ts";
import type { NamedNetwork } from "../../config/types/network.ts";
import { ContainerError } from "../../errors.ts";
import { isHullMade, lockBridges, requireBridge } from "../links/bridge.ts";
import { makeDeaf } from "../links/deaf_interface.ts";
import { attempt, codeOf, networkFailure } from "../links/failure.ts";
import { given, initializeInterface } from "./interface.ts";
import { changeLink, createLink, findLink, setHairpin, setLinkUp } from "../netlink/link.ts";
import { NetlinkError, type RouteSocket } from "../netlink/socket.ts";
import { randomName, withFreeName } from "../links/random_name.ts";
import type { Created, NetworkStrategy, Place } from "./strategy.ts";

/**
 * Makes the pair, with the container's end in the container's namespace right away, and plugs in
 * the other end.
 */
export const veth: NetworkStrategy = {
  async create(network, pointer, place) {
    using _lock = await lockBridges(place.signal);
    const isMade = network.createBridge === true;
    const at = { isMade, pointer: `${pointer}/bridge` };
    const bridge = requireBridge(place.here, network.bridge ?? "", at);
    const created = { ...createPair(network, pointer, place), isDeaf: isHullMade(bridge) };
    veth.attach({ ...network, hostInterfaceName: created.host }, pointer, place.here);
    return created;
  },

  initialize: (network, pointer, created, place) =>
    initializeInterface(network, pointer, created, place),

  attach(network, pointer, here) {
    const { bridge = "", mtu, hairpinMode } = network;
    const { index: master } = requireBridge(here, bridge, {
      isMade: false,
      pointer: `${pointer}/bridge`,
    });
    const { index, path } = hostEnd(network, pointer, here);
    attempt(`cannot plug ${path} into the bridge ${bridge}`, { path, pointer }, () => {
      changeLink(here, index, { master });
    });
    if (given(mtu) !== undefined) {
      attempt(`cannot set the MTU ${mtu} on ${path}`, { path, pointer: `${pointer}/mtu` }, () => {
        changeLink(here, index, { mtu });
      });
    }
    if (hairpinMode === true) {
      attempt(`cannot let ${path} send back`, { path, pointer: `${pointer}/hairpinMode` }, () => {
        setHairpin(here, index, true);
      });
    }
    deafen(path);
    attempt(`cannot bring ${path} up`, { path, pointer }, () => setLinkUp(here, index, true));
  },

  detach(network, pointer, here) {
    const { index, path } = hostEnd(network, pointer, here);
    attempt(`cannot take ${path} off its bridge`, { path, pointer }, () => {
      changeLink(here, index, { master: 0 });
    });
  },
};

/**
 * Makes the end on the host ignore advertisements. As a bridge's port it ignores them anyway; this
 * is for the time after it is taken off.
 */
function deafen(name: string): void {
  try {
    makeDeaf(name);
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error; // /proc/sys can't be written
  }
}

/** The end on the host, by its name. */
function hostEnd(network: NamedNetwork, pointer: string, here: RouteSocket) {
  const path = network.hostInterfaceName ?? "";
  return attempt(`the host's interface ${path} is gone`, { path, pointer }, () => {
    const link = findLink(here, path);
    if (link === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
    return { index: link.index, path };
  });
}

/** Makes both ends in one request. If a random name is taken, another one is tried. */
function createPair(network: NamedNetwork, pointer: string, place: Place): Created {
  const { here, namespace, owner } = place;
  const { hostInterfaceName: fixed, mtu, txQueueLen } = network;
  const sizes = { mtu: given(mtu), txQueueLen: given(txQueueLen) };
  const isTaken = () => fixed !== undefined && findLink(here, fixed) !== undefined;
  try {
    return withFreeName(() => {
      const host = fixed ?? randomName("veth");
      const inside = randomName("veth");
      const peer = { name: inside, namespace, group: owner, ...sizes };
      createLink(here, { name: host, kind: "veth", peer, group: owner, ...sizes });
      return { host, inside };
    }, isTaken);
  } catch (error) {
    if (codeOf(error) === "EEXIST" && isTaken()) throw nameTaken(fixed ?? "", pointer, error);
    throw networkFailure("cannot make a pair of interfaces", error, { path: fixed, pointer });
  }
}

function nameTaken(name: string, pointer: string, cause: unknown): ContainerError {
  return new ContainerError("SystemError", `the host has an interface ${name} already`, {
    step: "network",
    syscall: "RTM_NEWLINK",
    errno: "EEXIST",
    path: name,
    pointer: `${pointer}/hostInterfaceName`,
    hint: "choose another hostInterfaceName, or leave it out",
    cause,
  });
}
