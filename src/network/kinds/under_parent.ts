/**
 * Interfaces that share one of the host's: macvlan and ipvlan, which differ in who has which
 * hardware address.
 *
 * @module
 */

import { ENODEV } from "../../../ffi/c/errno.ts";
import type { IpvlanMode, MacvlanMode, NamedNetwork } from "../../config/types/network.ts";
import { attempt } from "../links/failure.ts";
import { given, initializeInterface } from "./interface.ts";
import { createLink, findLink } from "../netlink/link.ts";
import type { NewLinkKind } from "../netlink/new_link.ts";
import { NetlinkError } from "../netlink/socket.ts";
import { randomName, withFreeName } from "../links/random_name.ts";
import type { Created, NetworkStrategy, Place } from "./strategy.ts";

/** An interface with a hardware address of its own on an interface of the host. */
export const macvlan: NetworkStrategy = underParent((parent, mode = "bridge") => {
  return { kind: "macvlan", parent, mode: mode as MacvlanMode };
});

/** An interface with the hardware address of the host's, told apart by its addresses. */
export const ipvlan: NetworkStrategy = underParent((parent, mode = "l2") => {
  return { kind: "ipvlan", parent, mode: mode as IpvlanMode };
});

/**
 * The strategy of such a kind.
 *
 * @param kindOn what to make on the parent of a number
 */
function underParent(
  kindOn: (parent: number, mode: string | undefined) => NewLinkKind,
): NetworkStrategy {
  return {
    create: (network, pointer, place) =>
      createUnderParent(network, pointer, place, (parent) => kindOn(parent, network.mode)),
    initialize: initializeInterface,
    attach() {},
    detach() {},
  };
}

/**
 * Makes one in the container's namespace right away, so that it never appears on the host.
 *
 * @param kindOn what to make on the parent of a number
 * @throws {ContainerError} `SystemError`
 */
function createUnderParent(
  network: NamedNetwork,
  pointer: string,
  { here, namespace, owner }: Place,
  kindOn: (parent: number) => NewLinkKind,
): Promise<Created> {
  const { type, parent = "" } = network;
  const link = attempt(
    `there is no interface ${parent} to share`,
    {
      path: parent,
      pointer: `${pointer}/parent`,
      hint: "the parent must be in the network namespace that hull runs in",
    },
    () => {
      const found = findLink(here, parent);
      if (found === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
      return found;
    },
  );
  const inside = attempt(
    `cannot make a ${type} on ${parent}`,
    { path: parent, pointer },
    () =>
      withFreeName(() => {
        const name = randomName("hull");
        createLink(here, {
          name,
          namespace,
          group: owner,
          txQueueLen: given(network.txQueueLen),
          ...kindOn(link.index),
        });
        return name;
      }),
  );
  return Promise.resolve({ inside });
}
