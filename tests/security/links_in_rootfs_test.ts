/**
 * A rootfs full of links that lead to the host: CVE-2019-19921, CVE-2019-18837, CVE-2023-27561,
 * CVE-2023-28642, CVE-2025-54867 and the like of CVE-2025-24965; /dev: CVE-2026-41579,
 * CVE-2026-47766, CVE-2026-88264, CVE-2026-88265.
 */
import { assert, assertEquals } from "@std/assert";
import { leanBundle, own, Stage, withoutMounts, withUserNamespace } from "../fixtures/attempt.ts";
import type { Draft } from "../fixtures/bundle.ts";
import { climb, makeDecoy, plant } from "../fixtures/decoy.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** A place that is a link, and what else the config has so that hull walks it. */
interface Place {
  readonly path: string;
  readonly change?: (config: Draft) => void;
  /** What of the decoy it leads to, if not the folder. */
  readonly below?: string;
  /** The errno that always ends the start; without one it may run. */
  readonly errno?: string;
  /** Whether it means something with a mount at /dev and without one, which hides it. */
  readonly devices?: boolean;
}

function bindsFile(destination: string): (config: Draft) => void {
  return (config) =>
    config.mounts.push({ destination, type: "bind", source: "/etc/hostname", options: ["bind"] });
}

function addsTmpfs(destination: string): (config: Draft) => void {
  return (config) => config.mounts.push({ destination, type: "tmpfs", source: "tmpfs" });
}

const PLACES: readonly Place[] = [
  { path: "/proc", errno: "ELOOP" },
  { path: "/sys", errno: "ELOOP" },
  { path: "/dev", devices: true },
  { path: "/dev/null", below: "/null", devices: true },
  { path: "/dev/console", below: "/console", devices: true },
  { path: "/dev/ptmx", below: "/ptmx", devices: true },
  { path: "/dev/pts", below: "/pts", devices: true },
  { path: "/dev/shm", below: "/shm", devices: true },
  { path: "/etc", change: bindsFile("/etc/hosts") },
  { path: "/etc/hosts", below: "/hosts", change: bindsFile("/etc/hosts") },
  { path: "/etc/passwd", below: "/passwd" },
  { path: "/data", change: addsTmpfs("/data") },
  { path: "/data", change: addsTmpfs("/data/deep/er") },
  { path: "/data", change: bindsFile("/data/deep/file") },
  { path: "/data", change: (config) => config.process.cwd = "/data/deep/er" },
  { path: "/data", change: (config) => config.linux.maskedPaths?.push("/data", "/data/file") },
  { path: "/data", change: (config) => config.linux.readonlyPaths?.push("/data", "/data/file") },
  {
    path: "/data",
    change: (config) =>
      config.linux.devices = [
        { path: "/data/fuse", type: "c", major: 1, minor: 3, uid: 1000, gid: 1000 },
        { path: "/data/file", type: "c", major: 1, minor: 3, uid: 1000, gid: 1000 },
      ],
  },
];

const PROGRAM = 'echo started; echo "$HOME"; : > /data/new; : > /etc/new; : > /dev/new';

for (const [k, place] of PLACES.entries()) {
  const what = place.change === undefined ? "" : ` (${k})`;
  Deno.test(`links: ${place.path}${what} leads to no file of the host`, async () => {
    const id = `hull-sec-link-${k}`;
    let started = 0;
    await leavesNothing(id, async () => {
      using stage = new Stage();
      for (const { name, links, devMount, terminal, user, way } of variants(place)) {
        using decoy = makeDecoy();
        using bundle = leanBundle(PROGRAM, (config) => {
          config.process.terminal = terminal;
          if (!devMount) withoutMounts(config, "/dev");
          if (!devMount && terminal) {
            config.mounts.push({
              destination: "/dev/pts",
              type: "devpts",
              source: "devpts",
              options: ["newinstance", "ptmxmode=0666", "mode=0620"],
            });
          }
          if (user) withUserNamespace(config);
          place.change?.(config);
        });
        const rootfs = `${bundle.folder}/rootfs`;
        plant(rootfs, place.path, links(decoy.path, place.below ?? ""));
        own(bundle, user);
        const { text, error } = await stage.attempt(id, bundle, { way });
        decoy.check(name);
        if (place.errno !== undefined) assertEquals(error?.errno, place.errno, name);
        assert(text === undefined || text.startsWith("started\n"), `${name}: ${text}`);
        assert(!(text ?? "").includes("/decoy-home"), `${name}: the host's passwd was read`);
        if (text !== undefined) started++;
      }
    });
    assertEquals(started > 0, place.errno === undefined, `${started} starts`);
  });
}

interface Variant {
  readonly name: string;
  readonly links: (decoy: string, below: string) => string;
  readonly devMount: boolean;
  readonly terminal: boolean;
  readonly user: boolean;
  readonly way: "run" | "create";
}

const TARGETS: Readonly<Record<string, Variant["links"]>> = {
  absolute: (decoy, below) => decoy + below,
  relative: (decoy, below) => climb(decoy + below),
  "dangling, absolute": (decoy) => `${decoy}/new`,
  "dangling, relative": (decoy) => climb(`${decoy}/folder/new`),
};

/**
 * Every kind of link, with and without /dev and a terminal where that matters; the user namespace
 * and the two ways in turn.
 */
function variants(place: Place): Variant[] {
  const both = [false, true];
  return Object.entries(TARGETS).flatMap(([kind, links], k) =>
    (place.devices === true ? both : [true]).flatMap((devMount, m) =>
      both.map((terminal, n): Variant => {
        const user = (k + m + n) % 2 === 1;
        const way = (k >> 1) % 2 === n ? "run" : "create";
        const name = `${kind} link at ${place.path}, ${devMount ? "with" : "without"} /dev, ` +
          `${terminal ? "terminal, " : ""}${user ? "user namespace, " : ""}${way}`;
        return { name, links, devMount, terminal, user, way };
      })
    )
  );
}
