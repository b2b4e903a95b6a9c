/**
 * Images that are unpacked already, each once, by the digest of its config: that names the digests
 * of all layers, which were checked. Their files are never changed again.
 *
 * An image is unpacked under another name and moved to its place at the end, so that what a killed
 * program leaves is never taken for an image; the next one removes it, whichever image that is for,
 * also if it is there. The lock of its folder tells that its maker is still there. The files are on the disk before: a host that loses its power in
 * between has the whole image or none.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { mkdirAt, renameNew } from "../../ffi/files/entries.ts";
import { type Fd, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, open, openAt } from "../../ffi/files/file.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { isThere, statAt } from "../../ffi/files/file_status.ts";
import { syncFileSystem } from "../../ffi/waiting/sync.ts";
import { ContainerError } from "../errors.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import { undone } from "../failures/undo.ts";
import type { ImageConfig } from "./formats/image_config.ts";
import { namesIn, removeTree } from "./layers/remove_tree.ts";
import { type OpenImage, openImage } from "./open_image.ts";
import type { UnpackOptions } from "./unpack_options.ts";
import { unpackInto } from "./unpacking.ts";

/** An image whose files are there. */
export interface StoredImage {
  /** The digest of its config. */
  readonly id: string;
  readonly config: ImageConfig;
  /** The folder with its files, which must not be changed. */
  readonly rootfs: string;
}

const NEW = ".new-";
const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
/** What a container mounts on, or hull lays over. */
const FOLDERS = ["dev", "etc", "proc", "sys"];

/**
 * The files of an image, unpacked if they are not there yet.
 *
 * @param store an absolute path; the folder is made if it is missing
 * @throws {ContainerError} what `unpackImage` throws
 */
export async function storedImage(
  image: string,
  store: string,
  options: UnpackOptions,
): Promise<StoredImage> {
  using opened = await openImage(image, options.architecture);
  const { id, config } = opened;
  const place = `${store}/${id.slice("sha256:".length)}`;
  const stored = { id, config, rootfs: `${place}/rootfs` };
  try {
    Deno.mkdirSync(store, { recursive: true, mode: 0o700 });
    using folder = open(store, FOLDER);
    requireOwn(folder, store);
    if (isThere(stored.rootfs)) {
      tryToSweep(folder);
      return stored;
    }
    sweep(folder);
    await unpackTo(folder, store, place, opened, options);
  } catch (error) {
    if (error instanceof ContainerError || options.signal?.aborted === true) throw error;
    if (error instanceof Error && "syscall" in error) {
      throw syscallFailure(error, "SystemError", "cannot keep the image", {
        step: "image",
        path: store,
      });
    }
    throw error;
  }
  return stored;
}

/** In a folder of others' an image could be changed while containers run from it. */
function requireOwn(folder: Fd, store: string): void {
  const { uid, mode } = statAt(folder, "");
  if (uid === Deno.uid() && (mode & 0o022) === 0) return;
  throw new ContainerError("ConfigInvalid", "others may write to the folder of images", {
    step: "image",
    path: store,
    hint: "name a folder of your own with mode 0700",
  });
}

async function unpackTo(
  folder: Fd,
  store: string,
  place: string,
  opened: OpenImage,
  options: UnpackOptions,
): Promise<void> {
  const { name, made } = makeLocked(folder, store);
  using _made = made;
  try {
    mkdirAt(made, "rootfs", 0o700);
    using rootfs = openAt(made, "rootfs", FOLDER);
    await unpackInto(rootfs, opened, options);
    for (const each of FOLDERS) makeIfMissing(rootfs, each);
    await syncFileSystem(made);
    if (!renameNew(`${store}/${name}`, place)) removeTree(folder, name); // another was faster
  } catch (error) {
    throw await undone(error, () => removeTree(folder, name));
  }
}

/** Makes a folder with the lock, before which another may take it for a killed one's and remove it. */
function makeLocked(folder: Fd, store: string): { readonly name: string; readonly made: Fd } {
  for (;;) {
    const name = `${NEW}${crypto.randomUUID()}`;
    mkdirAt(folder, name, 0o700);
    const made = openIfThere(folder, name);
    if (made !== undefined && tryLock(made) && isThere(`${store}/${name}`)) return { name, made };
    made?.close();
  }
}

function openIfThere(folder: Fd, name: string): Fd | undefined {
  try {
    return openAt(folder, name, FOLDER);
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}

function makeIfMissing(folder: Fd, name: string): void {
  try {
    mkdirAt(folder, name, 0o755);
  } catch (error) {
    if (!failedWith(error, "EEXIST")) throw error;
  }
}

/** Removes what killed programs have left. */
function sweep(folder: Fd): void {
  using listed = openAt(folder, ".", FOLDER);
  for (const name of namesIn(listed).filter((each) => each.startsWith(NEW))) {
    using left = openIfThere(folder, name);
    if (left !== undefined && tryLock(left)) removeTree(folder, name);
  }
}

/** The same where nothing is to be made: the folder may be one that can only be read. */
function tryToSweep(folder: Fd): void {
  try {
    sweep(folder);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

/** Where images are kept if nobody says where. */
export function defaultImageStore(): string {
  if (Deno.uid() === 0) return "/var/lib/hull/images";
  const data = Deno.env.get("XDG_DATA_HOME") ?? `${Deno.env.get("HOME") ?? "/"}/.local/share`;
  return `${data}/hull/images`;
}
