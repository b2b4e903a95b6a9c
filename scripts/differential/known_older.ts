/**
 * What runc 1.1 does not know yet, or passes over.
 *
 * @module
 */

import { fieldOf, mountsOf, walked } from "./case_look.ts";
import type { Known } from "./difference.ts";
import { bothFailed, bothRefuse, hullRefuses, runcRefuses } from "./known_refusals.ts";

/** Where an older runc does nothing of what a config says. */
export const OLDER: readonly Known[] = [
  runcRefuses(
    "a time namespace",
    "runc has them from 1.2 on",
    /namespace \{\\?"time\S* \S*\} does not exist/,
  ),
  bothRefuse(
    "shares of a cache, with another fault",
    "hull looks for the file system before it makes anything",
    ({ hull }) => /the resctrl file system is not mounted/.test(hull.words),
  ),
  {
    name: "a time namespace, with another fault",
    reason: "runc has them from 1.2 on; hull refuses the case for what else is wrong with it",
    covers: ({ fact }, { hull, reference }) =>
      fact === "run error" && bothFailed(hull, reference) &&
      /namespace \{\\?"time\S* \S*\} does not exist/.test(reference.words),
  },
  hullRefuses(
    "wrong values of fields that are new",
    "runc 1.1 does not look at them",
    /can't be used; \/(linux\/timeOffsets|process\/(scheduler|ioPriority|execCPUAffinity)|mounts\/\d+\/[ug]idMappings)/,
  ),
  hullRefuses(
    "a hook's timeout",
    "the spec: it must be greater than zero; runc takes it as one that is over, or none",
    /can't be used; \/hooks\/\w+\/\d+\/timeout: must be an integer from 1/,
  ),
  hullRefuses(
    "shares of a cache, where the host has none",
    "what the config asks for can't be done; runc passes over a class that has no schema",
    /the resctrl file system is not mounted/,
  ),
  hullRefuses(
    "a scheduler that this user or cgroup may not have",
    "runc 1.1 does not set it",
    /cannot schedule by SCHED_\w+: .*EPERM/,
  ),
  {
    name: "how the program is scheduled",
    reason: "runc 1.1 does not set scheduler, ioPriority and execCPUAffinity, nor a personality",
    covers: ({ fact }, { parts }) =>
      /^inside (nice|ioprio|scheduler|cpus|personality)$/.test(fact) &&
      [
        fieldOf(parts, "process", "scheduler"),
        fieldOf(parts, "process", "ioPriority"),
        fieldOf(parts, "process", "execCPUAffinity"),
        fieldOf(parts, "linux", "personality"),
      ].some((field) => field !== undefined),
  },
  {
    name: "owners of mapped mounts",
    reason: "runc maps the ids of mounts from 1.2 on; 1.1 passes the maps over",
    covers: ({ fact }, { parts, hull, reference }) => {
      const [, place] = /^inside (?:also )?(?:place|mount|list) (\/\S*)$/.exec(fact) ?? [];
      return place !== undefined && mountsOf(parts).some(({ destination = "" }) => {
        const end = walked(parts, destination);
        const [ours, theirs] = [hull, reference].map(({ facts }) =>
          facts.get(`inside mount ${end}`) ?? ""
        );
        return `${place}/`.startsWith(`${end}/`) && /,idmapped /.test(ours ?? "") &&
          !/,idmapped /.test(theirs ?? "");
      });
    },
  },
  runcRefuses(
    "access times of a tree",
    "one that is not the default is cleared with those that there are; runc hands over what the kernel refuses",
    /error mounting .*: invalid argument/,
    (parts) =>
      mountsOf(parts).some(({ options = [] }) =>
        options.some((option) => /^r(no)?(strict|rel)?atime$/.test(option))
      ),
  ),
  {
    name: "an update's unknown resources",
    reason: "hull names what it does not know and changes nothing; runc passes it over",
    covers: ({ fact, hull: ours, reference: theirs }, { hull }) =>
      fact === "update code" && ours === "1" && theirs === "0" &&
      /can't be used; \/unknown: is no resource/.test(hull.words),
  },
];
