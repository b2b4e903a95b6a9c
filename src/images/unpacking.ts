/**
 * How an image is unpacked into a folder.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { chmodFd, mkdirAt } from "../../ffi/files/entries.ts";
import {
  AT_FDCWD,
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  open,
  openAt,
} from "../../ffi/files/file.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import { undone } from "../failures/undo.ts";
import { isOrdinaryUser } from "../own/rights.ts";
import { ContainerError } from "../errors.ts";
import { LayerFolder } from "./layers/layer_folder.ts";
import { LayerWriter, type WriterOptions } from "./layers/layer_writer.ts";
import { ImageCount, limitsOf } from "./layers/limits.ts";
import { mappedOwner, ownOwner } from "./layers/owners.ts";
import { namesIn, removeTree } from "./layers/remove_tree.ts";
import { unpackLayer } from "./layers/unpack_layer.ts";
import { type OpenImage, openImage } from "./open_image.ts";
import type { UnpackedImage, UnpackOptions } from "./unpack_options.ts";

/** Does what `unpackImage` says. */
export async function unpackTo(
  image: string,
  destination: string,
  options: UnpackOptions,
): Promise<UnpackedImage> {
  using opened = await openImage(image, options.architecture);
  const isNew = makeDestination(destination);
  try {
    using root = openDestination(destination);
    const count = await unpackInto(root, opened, options);
    const { id, config, layers } = opened;
    return { id, config, layers: layers.length, bytes: count.bytes, entries: count.entries };
  } catch (error) {
    if (error instanceof NotEmpty) throw error.reason;
    throw await undone(error, () => {
      empty(destination);
      if (isNew) Deno.removeSync(destination);
    });
  }
}

/** Unpacks all layers, one over the other, into an open folder. */
export async function unpackInto(
  root: Fd,
  image: OpenImage,
  options: UnpackOptions,
): Promise<ImageCount> {
  const count = new ImageCount(limitsOf(options.limits));
  const onRead = progressOf(image, options.onProgress);
  let hasMode = false;
  for (const [k, layer] of image.layers.entries()) {
    using folder = new LayerFolder(root);
    const writer = new LayerWriter(folder, writerOptions(options));
    const { hasher } = image;
    const { signal } = options;
    await unpackLayer(layer, writer, { hasher, count, signal, onRead: (size) => onRead(k, size) });
    hasMode ||= writer.hasRoot;
  }
  if (!hasMode) chmodFd(root, 0o755);
  return count;
}

/** How the files of an image are made with this program's rights. */
export function writerOptions({ devices = "usual", ...maps }: UnpackOptions): WriterOptions {
  const isUser = isOrdinaryUser();
  return {
    ownerOf: isUser ? ownOwner : mappedOwner(maps),
    devices: isUser && devices === "usual" ? "skip" : devices,
    folderBits: isUser ? 0o700 : 0,
  };
}

/** Adds up what is read of an image's layers. */
export function progressOf(
  { layers }: OpenImage,
  onProgress: UnpackOptions["onProgress"],
): (layer: number, bytes: number) => void {
  const totalBytes = layers.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  return (layer, size) => {
    bytes += size;
    onProgress?.({ layer, layers: layers.length, bytes, totalBytes });
  };
}

const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Makes the folder, for nobody else until it is filled. */
function makeDestination(path: string): boolean {
  try {
    mkdirAt(AT_FDCWD, path, 0o700);
    return true;
  } catch (error) {
    if (failedWith(error, "EEXIST")) return false;
    throw failure(error, path);
  }
}

class NotEmpty extends Error {
  readonly reason: ContainerError;

  constructor(reason: ContainerError) {
    super(reason.message);
    this.reason = reason;
  }
}

function openDestination(path: string): Fd {
  let root: Fd;
  try {
    root = open(path, FOLDER);
  } catch (error) {
    throw new NotEmpty(failure(error, path));
  }
  using listed = openAt(root, ".", FOLDER);
  if (namesIn(listed).length === 0) return root;
  root.close();
  throw new NotEmpty(
    new ContainerError("ConfigInvalid", "the folder to unpack the image into is not empty", {
      step: "image",
      path,
      hint: "name a new folder: what is there already is not touched",
    }),
  );
}

function failure(error: unknown, path: string): ContainerError {
  return syscallFailure(error, "SystemError", "cannot make the folder to unpack the image into", {
    step: "image",
    path,
  });
}

function empty(path: string): void {
  using root = open(path, FOLDER);
  for (const name of namesIn(root)) removeTree(root, name);
}
