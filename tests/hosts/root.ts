/**
 * The root file system of the machines: a Debian with what the tests use, made anew of its packages.
 *
 * @module
 */

import type { CacheFolder } from "./cache.ts";
import { must } from "./command.ts";
import { Refusal } from "./refusal.ts";

/** What a machine needs beside the packages of the tests: a kernel, systemd, an ordinary user's part. */
const MACHINE_PACKAGES = [
  "linux-image-cloud-amd64",
  "kmod",
  ...[
    "systemd",
    "systemd-sysv",
    "dbus",
    "dbus-user-session",
    "libpam-systemd",
    "systemd-container",
  ],
  ...["login", "passwd", "sudo", "uidmap", "passt", "slirp4netns", "fuse-overlayfs"],
  ...["docker-cli", "containernetworking-plugins", "netavark", "aardvark-dns", "catatonit"],
  ...["apparmor", "ca-certificates", "criu", "jq", "less", "python3"],
];

/** What is a background job of Debian's and would only disturb. */
const MASKED = [
  ...["docker.service", "docker.socket", "containerd.service", "podman.service"],
  ...["podman-auto-update.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "fstrim.timer"],
  ...["dpkg-db-backup.timer", "e2scrub_all.timer", "systemd-firstboot.service"],
];

/** The user with uid 1000 has a session from the boot on. */
const SETTLE = `
useradd --create-home --shell /bin/bash --uid 1000 dev
mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/dev
echo hull-host >/etc/hostname
systemctl mask --quiet ${MASKED.join(" ")}
rm -f /etc/machine-id && systemd-machine-id-setup
`;

/** Makes the root if it has not been made, of a release of Debian's; gives its folder. */
export async function makeRoot(cache: CacheFolder, release: string): Promise<string> {
  const folder = `${cache.path}/root`;
  const packages = [...new Set([...await testPackages(), ...MACHINE_PACKAGES])].sort();
  const ingredients = `${packages.join(",")}${SETTLE}`;
  if (cache.isReady("root", ingredients)) return folder;
  if (Deno.uid() !== 0) throw new Refusal("only root can make the root of a machine");
  cache.unready("root");
  const archive = findArchive();
  console.log(`making a ${release} of ${archive} in ${folder}, once, which takes some minutes`);
  await must("clearing", "rm", "-rf", "--one-file-system", folder);
  await must(
    `no ${release} could be made of ${archive}, which apt's sources name`,
    "mmdebstrap",
    ...["--quiet", "--mode=root", "--variant=minbase", "--format=directory"],
    `--include=${packages.join(",")}`,
    `--customize-hook=chroot "$1" sh -euc '${SETTLE}'`,
    ...(await ownAptOptions()).map((option) => `--aptopt=${option}`),
    ...[release, folder, archive],
  );
  cache.ready("root", ingredients);
  return folder;
}

async function testPackages(): Promise<string[]> {
  const setup = new URL("../../scripts/setup", import.meta.url).pathname;
  return (await must("packages", setup, "--print-packages")).trim().split(/\s+/);
}

/** How apt of this host reaches archives, and whether an old copy of one will do: that of a mirror. */
async function ownAptOptions(): Promise<string[]> {
  const settings = await must("apt", "apt-config", "dump", "--no-empty", "--format", '%F "%v"%n');
  const isTaken = /^Acquire::(Check-Valid-Until|https?::Proxy\S*) /;
  return settings.split("\n").filter((line) => isTaken.test(line));
}

/** The first Debian archive that apt's sources of this host name. */
function findArchive(): string {
  const folder = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...namesIn(folder).map((name) => `${folder}/${name}`)];
  for (const line of files.flatMap((file) => read(file).split("\n"))) {
    if (!/^(deb|URIs:)\s/.test(line)) continue;
    const uri = line.split(/\s+/).find((word) => /^https?:\/\/.*\/debian\/?$/.test(word));
    if (uri !== undefined) return uri;
  }
  throw new Refusal("apt's sources name no archive of Debian's, of which a machine is made");
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    return "";
  }
}
