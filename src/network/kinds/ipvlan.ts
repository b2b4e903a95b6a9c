/**
 * ipvlan: an interface with the hardware address of the host's, told apart by its addresses.
 *
 * @module
 */

import type { IpvlanMode } from "../../config/types/network.ts";
import { initializeInterface } from "./interface.ts";
import type { NetworkStrategy } from "./strategy.ts";
import { createUnderParent } from "./under_parent.ts";

/** Makes one. */
export const ipvlan: NetworkStrategy = {
  create(network, pointer, place) {
    const mode = (network.mode ?? "l2") as IpvlanMode;
    return createUnderParent(network, pointer, place, (parent) => ({
      kind: "ipvlan",
      parent,
      mode,
    }));
  },
  initialize: (network, pointer, created, place) =>
    initializeInterface(network, pointer, created, place),
  attach() {},
  detach() {},
};
