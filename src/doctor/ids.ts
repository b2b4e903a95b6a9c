/**
 * The ids that a container's users can have on this host.
 *
 * @module
 */

import { type Caller, caller } from "../rootless/user_config.ts";
import { type Finding, ok, ruled } from "./finding.ts";
import type { Host } from "./host.ts";

/** Who runs hull, and which ids that user can give to containers. */
export function idFindings(host: Host, who: () => Caller = caller): Finding[] {
  if (!host.isOrdinaryUser) {
    const where = host.isInUserNamespace ? "the root of a user namespace" : "the host's root";
    return [ok("ids", `this is ${where}: a config maps the ids that it names`)];
  }
  const { uids, gids } = who();
  const lacks = [...new Set([uids.lack, gids.lack])].filter((lack) => lack !== undefined);
  if (lacks.length > 0) {
    return lacks.map((lack) => {
      const { message, remedy = "" } = ruled("ids", "warning", lack);
      const told = `only this user's own id can be mapped: ${message}`;
      return { area: "ids", level: "warning", message: told, remedy };
    });
  }
  const count = (ids: Caller["uids"]) => ids.given.reduce((sum, { size }) => sum + size, 0);
  return [
    ok("ids", `user ${uids.own}, with ${count(uids)} uids and ${count(gids)} gids beside it`),
  ];
}
