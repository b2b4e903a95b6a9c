/**
 * Interfaces that share one of the host's: macvlan and ipvlan.
 *
 * @module
 */

import { ENODEV } from "../../../ffi/c/errno.ts";
import type { NamedNetwork } from "../../config/types/network.ts";
import { attempt } from "../links/failure.ts";
import { given } from "./interface.ts";
import { createLink, findLink } from "../netlink/link.ts";
import type { NewLinkKind } from "../netlink/new_link.ts";
import { NetlinkError } from "../netlink/socket.ts";
import { randomName, withFreeName } from "../links/random_name.ts";
import type { Created, Place } from "./strategy.ts";

/**
 * Makes one in the container's namespace right away, so that it never appears on the host.
 *
 * @param kindOn what to make on the parent of a number
 * @throws {ContainerError} `SystemError`
 */
export function createUnderParent(
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
