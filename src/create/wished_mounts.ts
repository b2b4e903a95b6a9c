/**
 * The mounts of the built-in default with those that are wished, and where files lie among them.
 *
 * @module
 */

import { tryStatPath } from "../../ffi/files/file_status.ts";
import { isBindMount } from "../config/mount_options.ts";
import { childPointer, type Report } from "../config/fields/field.ts";
import type { Mount } from "../config/types/config.ts";
import type { BuiltinFile } from "./builtin_files.ts";
import type { FileTree } from "./builtin_tree.ts";
import type { DefaultWishes } from "./default_wishes.ts";
import { walkHostPath } from "./host_paths.ts";
import { fromTheTop, mountOf } from "./wished_config.ts";

const SHOWN = ["bind", "ro", "nosuid", "nodev"];

/** Gathers the mounts, and notes what does not fit. */
export class WishedMounts {
  #mounts: Mount[];
  readonly #tree: FileTree;
  readonly #report: Report;

  /** Begins with those that are there without a wish. */
  constructor(mounts: readonly Mount[], tree: FileTree, report: Report) {
    this.#mounts = [...mounts];
    this.#tree = tree;
    this.#report = report;
  }

  /** All of them, in their order. */
  get all(): readonly Mount[] {
    return this.#mounts;
  }

  /** Binds paths of the host at the same place, in place of what else is shown of it. */
  showHostPaths(paths: readonly string[]): void {
    this.#mounts = this.#mounts.filter((mount) => !isBindMount(mount));
    const walked = paths.flatMap((asked, k) => {
      const found = walkHostPath(asked);
      if (typeof found !== "string") return [found];
      this.#report.fault(childPointer("/hostPaths", k), `${found}: ${asked}`);
      return [];
    });
    for (const link of walked.flatMap(({ links }) => links)) {
      const fault = this.#tree.add(link);
      if (fault !== undefined) this.#report.fault("/hostPaths", `${link.path}, a link, ${fault}`);
    }
    const places = [...new Set(walked.map(({ path }) => path))].sort();
    for (const path of places) this.show(path);
  }

  /** Binds a path of the host at the same place. */
  show(path: string | undefined): void {
    if (path === undefined) return;
    this.#mounts.push({ destination: path, type: "none", source: path, options: SHOWN });
  }

  /**
   * Adds wished mounts: what is above others first. One replaces what is mounted at the same place
   * without a wish.
   */
  addWished(wished: NonNullable<DefaultWishes["mounts"]>): void {
    const places = wished.map(({ destination }) => this.#tree.resolve(destination, true));
    this.#mounts = this.#mounts.filter(({ destination }) => !places.includes(destination));
    const placed = wished.map((wish, k) => ({ ...wish, destination: places[k] as string }));
    for (const [wish, k] of fromTheTop(placed)) {
      const { destination } = wish;
      this.#requirePlace(destination, childPointer(childPointer("/mounts", k), "destination"));
      this.#mounts.push(mountOf(wish));
    }
  }

  /** Puts a file where it is seen: into the root, or into the tmpfs that lies over it there. */
  placeFile(file: BuiltinFile, pointer: string): void {
    const path = this.#tree.resolve(file.path);
    const cover = this.#coverOf(path);
    if (cover !== undefined && cover.type !== "tmpfs") {
      const { destination } = cover;
      this.#report.fault(
        pointer,
        isBindMount(cover)
          ? `lies in ${destination}, which is the host's`
          : `lies in ${destination}, which holds no files`,
      );
      return;
    }
    const fault = this.#tree.add(file);
    if (fault !== undefined) this.#report.fault(pointer, fault);
    if (cover === undefined || cover.options?.includes(COPY_UP) === true) return;
    const filled = { ...cover, options: [...cover.options ?? [], COPY_UP] };
    this.#mounts = this.#mounts.map((mount) => mount === cover ? filled : mount);
  }

  /** A place in a folder of the host that is only shown must be there already. */
  #requirePlace(path: string, pointer: string): void {
    const cover = this.#coverOf(path);
    const isReadOnly = cover?.options?.some((option) => option === "ro" || option === "rro");
    if (cover === undefined || !isBindMount(cover) || isReadOnly !== true) return;
    const { source = "", destination } = cover;
    const inside = `${source}${path.slice(destination.length)}`;
    if (typeof tryStatPath(inside, true) !== "number") return;
    this.#report.fault(
      pointer,
      `is not there in ${destination}, which is the host's ${source} and read-only: ${path}`,
    );
  }

  /** The mount that is seen at a path; undefined for the root itself. */
  #coverOf(path: string): Mount | undefined {
    let cover: Mount | undefined;
    for (const mount of this.#mounts) {
      const { destination } = mount;
      const isOver = path === destination || path.startsWith(`${destination}/`);
      if (isOver && destination.length >= (cover?.destination.length ?? 0)) cover = mount;
    }
    return cover;
  }
}

const COPY_UP = "tmpcopyup";
