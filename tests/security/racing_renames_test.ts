/**
 * Names that another process exchanges all the time while a container starts: CVE-2021-30465,
 * CVE-2024-45310, CVE-2025-52565, CVE-2025-52881, CVE-2023-27561, CVE-2018-15664's kin.
 *
 * A start may succeed or fail; nothing of the host may change either way.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { leanBundle, own, Stage, withoutMounts, withUserNamespace } from "../fixtures/attempt.ts";
import { type Draft, scratchFolder } from "../fixtures/bundle.ts";
import { type Decoy, makeDecoy, plantTwin } from "../fixtures/decoy.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { Racer } from "../fixtures/race.ts";

/** How many starts each race has. All races together have some hundreds; the soak makes them longer. */
const STARTS = Number(Deno.env.get("HULL_RACE_STARTS") ?? 40);

/** What is raced against. */
interface Race {
  readonly what: string;
  /** Changes the config; `volume` is a folder of the host that other containers write too. */
  readonly change: (config: Draft, volume: string) => void;
  /** Makes the pair of names that is exchanged. */
  readonly pair: (rootfs: string, decoy: Decoy, volume: string) => readonly [string, string];
  /** Lines of mountinfo that every container has which runs: the mount is in it, and not elsewhere. */
  readonly shows?: readonly RegExp[];
  /** Whether every second container has a terminal. */
  readonly terminals?: boolean;
}

/** Says what the container has; whatever the names of /proc are at the moment. */
const PROGRAM =
  'echo "started $HOME"; k=0; while [ $k -lt 500 ]; do k=$((k+1)); for p in /proc /proc-link; do ' +
  "s=$(readlink $p/self/fd/0) && m=$(cat $p/self/mountinfo) && " +
  'echo "stdin $s" && echo "$m" && exit 0; done; done 2>&-';

const MARK = / - tmpfs hull-race-mark /m;

/** A name of the rootfs, and a link to the decoy that takes its place. */
function withLink(name: string, below = ""): Race["pair"] {
  return (rootfs, decoy) => {
    const link = `${rootfs}${name}-link`;
    Deno.symlinkSync(decoy.path + below, link);
    return [`${rootfs}${name}`, link];
  };
}

/** As {@linkcode withLink}, where the name is a new file. */
function fileWithLink(name: string, below: string): Race["pair"] {
  return (rootfs, decoy, volume) => {
    Deno.mkdirSync(`${rootfs}${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(`${rootfs}${name}`, "the container's own\n");
    return withLink(name, below)(rootfs, decoy, volume);
  };
}

const BIND = ["rbind", "rprivate"];
const RACES: readonly Race[] = [
  {
    what: "a mount's place",
    change: (config) =>
      config.mounts.push({ destination: "/data", type: "tmpfs", source: "hull-race-mark" }),
    pair: withLink("/data"),
    shows: [MARK],
  },
  {
    what: "the parent of a mount's place, which is made",
    change: (config) => {
      const [folder, file] = ["/data/new-folder/er", "/data/new-file"];
      config.mounts.push({ destination: folder, type: "tmpfs", source: "hull-race-mark" });
      config.mounts.push({ destination: file, source: "/etc/hostname", options: ["bind"] });
    },
    pair: withLink("/data"),
    shows: [MARK, / \S*\/hostname \S*\/new-file /m],
  },
  {
    what: "/proc of the rootfs",
    change: () => {},
    pair: withLink("/proc"),
    shows: [/ \/proc(-link)? .* - proc proc /m],
  },
  {
    what: "/dev, without a mount there",
    change: (config) => withoutMounts(config, "/dev"),
    pair: withLink("/dev"),
  },
  {
    what: "/dev/null in a user namespace, where it is bound",
    change: (config) => {
      withoutMounts(config, "/dev");
      withUserNamespace(config);
    },
    pair: fileWithLink("/dev/null", "/null"),
    shows: [/ \S*\/null \/dev\/null(-link)? /m],
  },
  {
    what: "/dev/pts, where the terminal is from",
    change: (config) => {
      withoutMounts(config, "/dev");
      const options = ["newinstance", "ptmxmode=0666", "mode=0620"];
      config.mounts.push({ destination: "/dev/pts", type: "devpts", source: "devpts", options });
    },
    pair: (rootfs, decoy, volume) => {
      Deno.mkdirSync(`${rootfs}/dev/pts`);
      return withLink("/dev/pts", "/pts")(rootfs, decoy, volume);
    },
    shows: [/ - devpts devpts /m],
    terminals: true,
  },
  {
    what: "/dev/console, which the terminal covers",
    change: (config) => {
      config.process.terminal = true;
      withoutMounts(config, "/dev");
      const options = ["newinstance", "ptmxmode=0666", "mode=0620"];
      config.mounts.push({ destination: "/dev/pts", type: "devpts", source: "devpts", options });
    },
    pair: (rootfs, decoy, volume) => {
      plantTwin(rootfs, `${decoy.path}/console`, "file");
      return fileWithLink("/dev/console", "/console")(rootfs, decoy, volume);
    },
    shows: [/ \/0 \/dev\/console(-link)? .* - devpts /m],
  },
  {
    what: "a place on a volume that two containers share",
    change: (config, volume) => {
      config.mounts.push({ destination: "/data", source: volume, options: BIND });
      const place = "/data/place/new/er";
      config.mounts.push({ destination: place, source: "/usr", options: [...BIND, "ro"] });
      config.process.cwd = "/data/place/cwd";
    },
    pair: (_, decoy, volume) => {
      Deno.mkdirSync(`${volume}/place`);
      Deno.symlinkSync(`../../../../../..${decoy.path}`, `${volume}/link`);
      return [`${volume}/place`, `${volume}/link`];
    },
  },
  {
    what: "the folder of devices with an owner, and of masked and read-only paths",
    change: (config) => {
      const device = { type: "c", major: 1, minor: 3, uid: 1000, gid: 1000 } as const;
      config.linux.devices = ["new", "file", "null"].map((name) => ({
        ...device,
        path: `/data/${name}`,
      }));
      config.linux.maskedPaths?.push("/data/file", "/data/folder");
      config.linux.readonlyPaths?.push("/data");
    },
    pair: withLink("/data"),
  },
  {
    what: "/etc/passwd, which says what HOME is",
    change: () => {},
    pair: withLink("/etc/passwd", "/passwd"),
  },
];

for (const [k, { what, change, pair, shows = [], terminals = false }] of RACES.entries()) {
  Deno.test(`race: ${what} is exchanged with a link to the host`, async () => {
    const id = `hull-sec-race-${k}`;
    let started = 0;
    await leavesNothing(id, async () => {
      using decoy = makeDecoy();
      using stage = new Stage();
      using volume = scratchFolder();
      using bundle = leanBundle(PROGRAM, (config) => change(config, volume.path));
      const [one, other] = pair(`${bundle.folder}/rootfs`, decoy, volume.path);
      const isMapped = bundle.config.linux?.namespaces?.some(({ type }) => type === "user");
      own(bundle, isMapped);
      await using _racer = await Racer.start(one, other);
      for (let start = 0; start < STARTS; start++) {
        const config = structuredClone(bundle.config) as Draft;
        if (terminals) config.process.terminal = start % 2 === 1;
        const { text } = await stage.attempt(id, { ...bundle, config });
        decoy.check(`by start ${start}`);
        if (text === undefined) continue;
        started++;
        assertMatch(text, /^started \/(root)?\nstdin /);
        for (const line of shows) assertMatch(text, line);
        if (config.process.terminal) assertMatch(text, /^stdin \/dev\/pts(-link)?\/0$/m);
      }
    });
    assert(started > 0, "no start of a race succeeded");
  });
}

Deno.test(
  "race: what the masks cover stays covered while /proc is exchanged with a folder",
  async () => {
    const id = "hull-sec-race-masks";
    await leavesNothing(id, async () => {
      using stage = new Stage();
      // Whichever name procfs is found under, its masked files must be empty.
      const look = "for p in /proc /other; do cat $p/timer_list $p/keys; done 2>/dev/null; ";
      using bundle = leanBundle(look.repeat(5) + "true", (config) => {
        config.linux.maskedPaths = ["/proc/keys", "/proc/timer_list"];
      });
      const rootfs = `${bundle.folder}/rootfs`;
      Deno.mkdirSync(`${rootfs}/other`);
      await using _racer = await Racer.start(`${rootfs}/proc`, `${rootfs}/other`);
      for (let start = 0; start < STARTS; start++) {
        const { text } = await stage.attempt(id, bundle);
        assertEquals(text ?? "", "", `start ${start}`);
      }
    });
  },
);
