/**
 * The kernel of the machines, and the initrd that mounts their root: both of the packages in the root.
 *
 * @module
 */

import type { CacheFolder } from "./cache.ts";
import { must, ScratchFolder } from "./command.ts";
import { Refusal } from "./refusal.ts";

/** What is booted. */
export interface BootFiles {
  /** The kernel. */
  readonly kernel: string;
  /** Its first root. */
  readonly initrd: string;
}

/** What the initrd needs to reach the root: its transport, its file system, and the overlay's. */
const MODULES = ["virtio_pci", "virtiofs", "overlay"];
const FIRST = new URL("guest/first.sh", import.meta.url).pathname;

/** Makes the initrd if it has not been made. */
export async function makeBootFiles(cache: CacheFolder, root: string): Promise<BootFiles> {
  const release = newestOf(`${root}/usr/lib/modules`);
  const files = { kernel: `${root}/boot/vmlinuz-${release}`, initrd: `${cache.path}/initrd` };
  const ingredients = `${release}\n${Deno.readTextFileSync(FIRST)}`;
  if (cache.isReady("initrd", ingredients)) return files;
  cache.unready("initrd");
  using folder = new ScratchFolder(cache.path);
  for (const name of ["bin", "modules", "proc", "dev", "lower", "upper", "new"]) {
    Deno.mkdirSync(`${folder.path}/${name}`);
  }
  Deno.copyFileSync(`${root}/usr/bin/busybox`, `${folder.path}/bin/busybox`);
  Deno.copyFileSync(FIRST, `${folder.path}/init`);
  Deno.chmodSync(`${folder.path}/init`, 0o755);
  for (const [k, module] of (await modulesWithNeeds(root, release)).entries()) {
    await unpack(module, `${folder.path}/modules/${String(k).padStart(2, "0")}`);
  }
  const pack = 'cd "$1" && find . | cpio -o -H newc --quiet >"$2"';
  await must("the initrd", "sh", "-euc", pack, "sh", folder.path, files.initrd);
  cache.ready("initrd", ingredients);
  return files;
}

function newestOf(folder: string): string {
  const newest = [...Deno.readDirSync(folder)].map(({ name }) => name).sort().at(-1);
  if (newest === undefined) throw new Refusal(`no kernel in ${folder}`);
  return newest;
}

/** The files of the modules in the order in which they must be loaded. */
async function modulesWithNeeds(root: string, release: string): Promise<string[]> {
  const files = new Set<string>();
  for (const module of MODULES) {
    const shown = await must(
      "the kernel's modules",
      "modprobe",
      ...["-d", root, "-S", release, "--show-depends", module],
    );
    for (const [, file] of shown.matchAll(/^insmod (\S+)/gm)) files.add(file as string);
  }
  return [...files];
}

/** busybox loads modules only as they are. */
async function unpack(module: string, to: string): Promise<void> {
  const program = module.endsWith(".xz") ? "xz -dc" : module.endsWith(".zst") ? "zstd -dqc" : "cat";
  await must("the kernel's modules", "sh", "-euc", `${program} "$1" >"$2"`, "sh", module, to);
}
