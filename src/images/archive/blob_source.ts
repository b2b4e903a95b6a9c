/**
 * The files of an image, by their names in it: in a folder, or in a tar archive.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { type Fd, O_PATH, open } from "../../../ffi/files/file.ts";
import { S_IFDIR, S_IFMT, S_IFREG, statAt } from "../../../ffi/files/file_status.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";
import { openInside } from "../../security/safe_path.ts";
import { imageInvalid, shown } from "./image_error.ts";
import type { Pieces } from "../../streams/byte_reader.ts";
import { compressionOf } from "./compression.ts";
import { BLOCK } from "./tar_header.ts";
import { type TarEntry, TarReader } from "./tar_reader.ts";

/** A file of an image. */
export interface Blob {
  readonly size: number;
  /** Its bytes, in pieces of that size at most; each is good until the next one is asked for. */
  read(pieceSize?: number): Pieces;
}

/** The files of an image. */
export interface BlobSource extends Disposable {
  /** The file of a name; undefined if there is none. */
  find(name: string): Blob | undefined;
}

/** How many bytes are read at once. */
const PIECE = 64 * 1024;
const HEADERS = 4096;

/**
 * Opens an image's folder or archive.
 *
 * @throws {ContainerError} `ImageInvalid`; `SystemError` if it can't be opened
 */
export async function openBlobs(path: string): Promise<BlobSource> {
  using stack = new DisposableStack();
  const place = stack.use(openPlace(path));
  const type = statAt(place, "").mode & S_IFMT;
  const source = type === S_IFDIR
    ? new FolderBlobs(place)
    : type === S_IFREG
    ? await readArchive(place, path)
    : undefined;
  if (source === undefined) throw imageInvalid(`${path} is neither a folder nor a file`, { path });
  stack.move();
  return source;
}

function openPlace(path: string): Fd {
  try {
    return open(path, O_PATH);
  } catch (cause) {
    throw syscallFailure(cause, "SystemError", "cannot open the image", {
      step: "image",
      path,
      hint: "an image is a folder with an OCI layout, or an archive as docker save and podman " +
        "save make it; skopeo copy fetches one from a registry",
    });
  }
}

/** An open file of the host, read anew by its fd: what its name leads to may change. */
class FileBlob implements Blob {
  readonly #place: Fd;
  readonly #start: number;
  readonly size: number;

  constructor(place: Fd, start: number, size: number) {
    this.#place = place;
    this.#start = start;
    this.size = size;
  }

  async *read(pieceSize = PIECE): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    using file = await Deno.open(`/proc/self/fd/${this.#place.number}`);
    await file.seek(this.#start, Deno.SeekMode.Start);
    // One buffer for all: the engine frees buffers late, as it does not see how large they are.
    const piece = new Uint8Array(Math.min(pieceSize, this.size));
    for (let left = this.size; left > 0;) {
      const count = await file.read(piece.subarray(0, left));
      if (count === null) return;
      left -= count;
      yield piece.subarray(0, count);
    }
  }
}

class FolderBlobs implements BlobSource {
  readonly #folder: Fd;
  readonly #open: Fd[] = [];

  constructor(folder: Fd) {
    this.#folder = folder;
  }

  find(name: string): Blob | undefined {
    try {
      const place = openInside(this.#folder, name, O_PATH);
      this.#open.push(place);
      const { mode, size } = statAt(place, "");
      if ((mode & S_IFMT) === S_IFREG) return new FileBlob(place, 0, size);
      throw imageInvalid(`the image's file ${shown(name)} is no regular file`);
    } catch (error) {
      if (failedWith(error, "ENOENT", "ENOTDIR")) return undefined;
      if (!(error instanceof SyscallError)) throw error;
      throw syscallFailure(error, "SystemError", "cannot open a file of the image", {
        step: "image",
        path: name,
      });
    }
  }

  [Symbol.dispose](): void {
    for (const place of this.#open) place.close();
    this.#folder.close();
  }
}

/** How many files an image's own archive may have: a layer has up to three, and there are 127. */
const MOST_FILES = 4096;
/** Docker's old archives have links in place of layers that are there twice. */
const MOST_LINKS = 8;

class ArchiveBlobs implements BlobSource {
  readonly #archive: Fd;
  readonly #files: ReadonlyMap<string, Blob | string>;

  constructor(archive: Fd, files: ReadonlyMap<string, Blob | string>) {
    this.#archive = archive;
    this.#files = files;
  }

  find(name: string): Blob | undefined {
    let found = this.#files.get(normal(name));
    for (let links = 0; typeof found === "string" && links < MOST_LINKS; links++) {
      found = this.#files.get(found);
    }
    return typeof found === "string" ? undefined : found;
  }

  [Symbol.dispose](): void {
    this.#archive.close();
  }
}

async function readArchive(archive: Fd, path: string): Promise<ArchiveBlobs> {
  const files = new Map<string, Blob | string>();
  const { size } = statAt(archive, "");
  await requirePlain(new FileBlob(archive, 0, size), path);
  for (let at = 0; at < size;) {
    // Layers are jumped over rather than read.
    const reader = new TarReader(new FileBlob(archive, at, size - at).read(HEADERS));
    const entry = await reader.next().finally(() => reader.close());
    if (entry === undefined) break;
    if (files.size >= MOST_FILES) throw tooMany(path);
    note(files, entry, new FileBlob(archive, at + reader.position, entry.size));
    at += reader.position + Math.ceil(entry.size / BLOCK) * BLOCK;
    if (at > size) throw imageInvalid(`the archive ${path} breaks off`, { path });
  }
  return new ArchiveBlobs(archive, files);
}

function note(files: Map<string, Blob | string>, entry: TarEntry, blob: Blob): void {
  if (entry.kind === "dir") return;
  const name = normal(entry.name);
  if (files.has(name)) throw imageInvalid(`the archive has ${shown(name)} twice`);
  if (entry.kind === "file") files.set(name, blob);
  else if (entry.kind === "symlink") files.set(name, normal(besides(name, entry.target)));
  else if (entry.kind === "link") files.set(name, normal(entry.target));
}

function tooMany(path: string): Error {
  return imageInvalid(`the archive ${path} has more than ${MOST_FILES} files`, {
    path,
    hint: "it is no image: that holds its layers as archives. podman import makes one of files",
  });
}

async function requirePlain(archive: Blob, path: string): Promise<void> {
  for await (const piece of archive.read(HEADERS)) {
    if (compressionOf(piece) === undefined) return;
    throw imageInvalid(`the archive ${path} is compressed as a whole`, {
      path,
      hint: "decompress it first, with gunzip or zstd -d",
    });
  }
}

/** A name without detours. */
function normal(name: string): string {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function besides(name: string, target: string): string {
  return target.startsWith("/") ? target : `${name.slice(0, name.lastIndexOf("/") + 1)}${target}`;
}
