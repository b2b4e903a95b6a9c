/**
 * The facts of this host for one container. Some are asked for only once.
 *
 * @module
 */

import { readStatus, signalsIn, statusMask } from "../../ffi/processes/process_status.ts";
import { SyscallError, throwBound } from "../../ffi/c/errno.ts";
import { Fd, O_PATH, open, readText } from "../../ffi/files/file.ts";
import { S_IFCHR, S_IFMT, statAt } from "../../ffi/files/file_status.ts";
import { lastCapability } from "../../ffi/files/kernel_constants.ts";
import { accountLines, homeIn } from "../../src/security/account_file.ts";
import { hasOpenat2 } from "../../src/security/safe_path.ts";
import type { Destination, Facts, FileKind, MountedAt, NodeStatus } from "./facts.ts";
import { kindOf, nodeOf, statPath } from "./host_files.ts";
import { type RootFile, RootFiles } from "./root_files.ts";
import { RootfsView } from "./rootfs_view.ts";

/**
 * The signals that the C library keeps for itself: whether they are ignored at the moment is
 * chance.
 */
const LIBRARY_SIGNALS = 0b11n << 31n; // 32 and 33

/** The facts of this host for one container. */
export class HostFacts implements Facts {
  readonly #view: RootfsView;
  readonly #files: RootFiles | undefined;
  /** How many mounts the container has. */
  readonly #mounts: number;
  readonly #streams: readonly number[];
  #hasOpenat2: boolean | undefined;

  /**
   * Facts about a container.
   *
   * @param rootfs the absolute path of its root file system on the host
   * @param mounts its mounts, in order
   * @param streams the fds of this program that are its fds 0, 1 and 2
   * @param files what its root will hold, if that is not what the rootfs holds
   */
  constructor(
    rootfs: string,
    mounts: readonly MountedAt[],
    streams: readonly number[] = [0, 1, 2],
    files?: readonly RootFile[],
  ) {
    this.#files = files === undefined ? undefined : new RootFiles(files);
    this.#view = new RootfsView(rootfs, mounts, this.#files);
    this.#mounts = mounts.length;
    this.#streams = streams;
  }

  hostKind(path: string): FileKind {
    return kindOf(statPath(path, true));
  }

  destination(path: string, mounts: number): Destination {
    return this.#view.destination(path, mounts);
  }

  /**
   * The same for a further process, whose calls walk in the container itself: only a walk without
   * openat2 must know beforehand where it leads.
   */
  walked(path: string): Pick<Destination, "components"> {
    return this.hasOpenat2 ? { components: [] } : this.destination(path, 0);
  }

  node(components: readonly string[], mounts: number): NodeStatus | undefined {
    return this.#view.node(components, mounts);
  }

  hostNode(path: string): NodeStatus | undefined {
    try {
      using file = open(path, O_PATH);
      return nodeOf(statAt(file, ""));
    } catch (error) {
      throwBound(error);
      return undefined; // who asks for it says so
    }
  }

  get hasOpenat2(): boolean {
    return this.#hasOpenat2 ??= hasOpenat2();
  }

  kernelMounts(outside: string): readonly string[] {
    return readText("/proc/self/mountinfo").split("\n").flatMap((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const place = (before.split(" ")[4] ?? "").replace(
        /\\([0-7]{3})/g,
        (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
      );
      const isInside = place === outside || place.startsWith(`${outside}/`);
      return /^(proc|sysfs) /.test(after) && !isInside ? [place] : [];
    }).reverse();
  }

  home(uid: number): string | undefined {
    const { components, kind } = this.destination("/etc/passwd", this.#mounts);
    const { base, below, mount } = this.#view.hostPath(components, this.#mounts);
    if (kind !== "file" || base === undefined) return undefined;
    if (mount === undefined && this.#files !== undefined) {
      return homeIn(this.#files.lines(below), uid);
    }
    return homeBelow(base, below, uid);
  }

  get deniesGroups(): boolean {
    try {
      return readText("/proc/self/setgroups").startsWith("deny");
    } catch (error) {
      throwBound(error);
      return false; // then the kernel's refusal is an error
    }
  }

  get ignoredSignals(): readonly number[] {
    return signalsIn(statusMask(readStatus("self"), "SigIgn") | LIBRARY_SIGNALS);
  }

  get lastCapability(): number {
    return lastCapability();
  }

  get ownedFds(): readonly number[] {
    return [0, 1, 2].filter((number) => {
      const fd = new Fd(this.#streams[number] ?? number);
      const { mode, deviceMajor, deviceMinor } = statAt(fd, "");
      fd.release();
      return (mode & S_IFMT) !== S_IFCHR || deviceMajor !== 1 || deviceMinor !== 3;
    });
  }
}

/**
 * Opened with care: what was a file a moment ago may have become a link to the host's passwd, or a
 * fifo.
 */
function homeBelow(base: string, below: string, uid: number): string | undefined {
  try {
    using root = open(base, O_PATH);
    return homeIn(accountLines(root, below), uid);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}
