/** The loopback interface: it is there in every network namespace, but down. @module */

import { ENODEV } from "../../../ffi/c/errno.ts";
import { attempt } from "../links/failure.ts";
import { findLink, setLinkUp } from "../netlink/link.ts";
import { NetlinkError } from "../netlink/socket.ts";
import type { NetworkStrategy } from "./strategy.ts";

/** Brings `lo` up, which gives it its addresses. */
export const loopback: NetworkStrategy = {
  create: () => Promise.resolve({ inside: "lo" }),
  initialize(_network, pointer, { inside }, { there, onUndo }) {
    attempt("cannot bring the loopback interface up", { path: inside, pointer }, () => {
      const link = findLink(there, inside);
      if (link === undefined) throw new NetlinkError("RTM_GETLINK", ENODEV);
      if (link.isUp) return;
      onUndo(() => setLinkUp(there, link.index, false));
      setLinkUp(there, link.index, true);
    });
  },
  attach() {},
  detach() {},
};
