/**
 * The cgroups of the host, which controllers they have, and which driver fits whoever runs hull.
 *
 * @module
 */

import { SystemdBus } from "../cgroups/systemd/systemd_bus.ts";
import type { Whose } from "../cgroups/systemd/addresses.ts";
import { type CgroupHost, detectCgroups } from "../cgroups/detect.ts";
import { ContainerError } from "../errors.ts";
import { cgroupsForUser } from "../rootless/user_cgroups.ts";
import { failed, type Finding, ok, problem, warning } from "./finding.ts";
import type { Host } from "./host.ts";

/** Limits that people ask for. */
const USUAL = ["cpu", "memory", "pids"] as const;
const ANSWER_MS = 2000;

/** What is asked of a host's cgroups. */
export interface CgroupQuestions {
  readonly detect: () => CgroupHost;
  /** Where a container's cgroups would be, by controller; none where this user can make none. */
  readonly places: (host: CgroupHost) => Readonly<Record<string, string>>;
  /** The version of a systemd that answers; undefined where none does. */
  readonly systemd: (whose: Whose) => Promise<number | undefined>;
}

const ASKED: CgroupQuestions = { detect: detectCgroups, places: placesOf, systemd: versionOf };

function placesOf(host: CgroupHost): Readonly<Record<string, string>> {
  const nothing = { cgroupsPath: undefined, resources: undefined, isLenient: true } as const;
  const id = `hull-doctor-${crypto.randomUUID()}`;
  return cgroupsForUser({ host, id, driver: "cgroupfs", ...nothing }).manager.paths;
}

async function versionOf(whose: Whose): Promise<number | undefined> {
  try {
    using bus = await SystemdBus.open({ whose, answerMs: ANSWER_MS });
    return await bus.version();
  } catch (error) {
    if (error instanceof ContainerError) return undefined;
    throw error;
  }
}

/** The hierarchies and their controllers; then what this user can make in them, and how. */
export async function cgroupFindings(host: Host, asked = ASKED): Promise<Finding[]> {
  let found: CgroupHost;
  try {
    found = asked.detect();
  } catch (error) {
    return [failed("cgroups", "problem", error, "mount cgroup2 at /sys/fs/cgroup")];
  }
  const places = asked.places(found);
  return [
    controllersFinding(found, places, host),
    await driverFinding(found, places, host, asked),
  ];
}

function controllersFinding(
  found: CgroupHost,
  places: Readonly<Record<string, string>>,
  host: Host,
): Finding {
  const controllers = controllersOf(found, places, host);
  const told = `cgroup v${found.version} with ${controllers.join(", ") || "no controllers"}`;
  const missing = USUAL.filter((name) => !controllers.includes(name));
  if (missing.length === 0) return ok("cgroups", told);
  const without = `${told}: ${missing.join(" and ")} can't be limited`;
  const remedy = host.isOrdinaryUser && found.version === 2
    ? "have systemd delegate them (Delegate=cpu cpuset io memory pids for user@.service, see " +
      "docs/systemd.md)"
    : found.version === 2
    ? "give them to the cgroups on the way from /sys/fs/cgroup (cgroup.subtree_control); what v1 " +
      "has, v2 has not"
    : "mount them below /sys/fs/cgroup, or take cgroup_disable= off the kernel's command line";
  return warning("cgroups", without, remedy);
}

/** What the folder offers in which the container's cgroup would be made. */
function controllersOf(
  { version, hierarchies }: CgroupHost,
  places: Readonly<Record<string, string>>,
  host: Host,
): readonly string[] {
  if (version === 1) {
    return hierarchies.flatMap(({ controllers }) => controllers)
      .filter((name) => name !== "" && !name.startsWith("name="));
  }
  const place = places[""] ?? `${hierarchies[0]?.ownFolder ?? "/sys/fs/cgroup"}/hull`;
  const parent = place.slice(0, place.lastIndexOf("/"));
  const words = host.read(`${parent}/cgroup.controllers`)?.split(/\s+/) ?? [];
  return words.filter((word) => word !== "");
}

async function driverFinding(
  { version }: CgroupHost,
  places: Readonly<Record<string, string>>,
  host: Host,
  { systemd }: CgroupQuestions,
): Promise<Finding> {
  const isUsers = host.isOrdinaryUser;
  const number = isUsers && version === 1 ? undefined : await systemd(isUsers ? "user" : "system");
  const [place] = Object.values(places);
  if (place !== undefined) {
    const parent = version === 1 ? "this program's own" : place.slice(0, place.lastIndexOf("/"));
    const told = `driver cgroupfs (the default) makes them below ${parent}`;
    if (number === undefined) return ok("cgroups", told);
    const also = `systemd ${number} makes them with --systemd-cgroup, and knows of them then`;
    return ok("cgroups", `${told}; ${also}`);
  }
  if (number !== undefined) {
    const told =
      `driver systemd fits: systemd ${number} answers, but this user can't make cgroups ` +
      "without it";
    return warning(
      "cgroups",
      told,
      "use hull --systemd-cgroup, or systemd-run --user --scope hull …",
    );
  }
  if (!isUsers) {
    const told = "cgroups can't be made here: their file system can't be written to";
    const remedy = "mount it writable (docker run --privileged, or --cgroupns=private with a " +
      "writable /sys/fs/cgroup), or use hull --cgroup-manager disabled";
    return problem("cgroups", told, remedy);
  }
  const told =
    "no cgroups are delegated to this user: containers have no limits, and a config that " +
    "sets some is refused";
  const remedy = version === 1
    ? "boot the host with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or run hull as root"
    : "log in by systemd and use systemd-run --user --scope hull …, or run hull as root";
  return warning("cgroups", told, remedy);
}
