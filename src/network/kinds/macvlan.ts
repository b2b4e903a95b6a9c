/** macvlan: an interface with a hardware address of its own on an interface of the host. @module */

import type { MacvlanMode } from "../../config/types/network.ts";
import { initializeInterface } from "./interface.ts";
import type { NetworkStrategy } from "./strategy.ts";
import { createUnderParent } from "./under_parent.ts";

/** Makes one. */
export const macvlan: NetworkStrategy = {
  create(network, pointer, place) {
    const mode = (network.mode ?? "bridge") as MacvlanMode;
    return createUnderParent(network, pointer, place, (parent) => ({
      kind: "macvlan",
      parent,
      mode,
    }));
  },
  initialize: (network, pointer, created, place) =>
    initializeInterface(network, pointer, created, place),
  attach() {},
  detach() {},
};
