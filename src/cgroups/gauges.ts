/**
 * The few numbers that a live table shows of a container, read often: the files stay open, and one
 * program of system calls reads them all. What they say stands in `stats.ts`, which reads much more.
 *
 * @module
 */

import { isBound, SyscallError } from "../../ffi/c/errno.ts";
import { type Fd, O_NOFOLLOW, open } from "../../ffi/files/file.ts";
import { readingFile } from "./file_reading.ts";
import type { Operation, Space } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import type { Limit } from "./folder.ts";

/** What is counted of a container now; what its cgroups don't tell is undefined. */
export interface Gauges {
  /** CPU time since the cgroup was made, in nanoseconds. */
  readonly cpuTime: number | undefined;
  /** Memory in use with the page cache, in bytes. */
  readonly memory: number | undefined;
  /** The most that may be in use, in bytes. */
  readonly memoryLimit: Limit | undefined;
  /** Tasks: processes with all their threads. */
  readonly pids: number | undefined;
  /** The most that there may be. */
  readonly pidsLimit: Limit | undefined;
  /** Bytes that block devices were asked for. */
  readonly readBytes: number | undefined;
  /** Bytes that were written to block devices. */
  readonly writtenBytes: number | undefined;
  /** For how long at least one task waited, in microseconds since the cgroup was made. */
  readonly cpuWait: number | undefined;
  /** The same for memory. */
  readonly memoryWait: number | undefined;
  /** The same for I/O. */
  readonly ioWait: number | undefined;
  /** Whether its tasks are stopped, or about to be. */
  readonly isFrozen: boolean | undefined;
  /** Whether no process is in it or below; undefined on v1, which does not tell. */
  readonly isEmpty: boolean | undefined;
}

type Draft = { -readonly [Name in keyof Gauges]: Gauges[Name] };

/** A file, and what it says. */
interface Source {
  /** The controller whose folder it is in; "" is the v2 tree. */
  readonly controller: string;
  readonly file: string;
  /** How much of it is read, in bytes: what lies behind is of no use. */
  readonly size: number;
  readonly take: (bytes: Uint8Array, into: Draft) => void;
  /** Whether it changes by a command only. */
  readonly isSeldom?: true;
}

/** Room for a number, or for the first line of a file. */
const NUMBER = 32;
const LINE = 128;
/** Room for a line of each device; those that are more than fit are not counted. */
const DEVICES = 4096;
/** What v1 writes for "no limit" is at least this. */
const UNLIMITED = 2 ** 62;

const PRESSURES: readonly Source[] = [
  ["cpu.pressure", "cpuWait"] as const,
  ["memory.pressure", "memoryWait"] as const,
  ["io.pressure", "ioWait"] as const,
].map(([file, name]) => ({
  controller: "",
  file,
  size: LINE,
  take: (bytes, into) => void (into[name] = behind(bytes, TOTAL)),
}));

const V1: readonly Source[] = [
  number("cpuacct", "cpuacct.usage", "cpuTime"),
  number("memory", "memory.usage_in_bytes", "memory"),
  limit("memory", "memory.limit_in_bytes", "memoryLimit"),
  number("pids", "pids.current", "pids"),
  limit("pids", "pids.max", "pidsLimit"),
  {
    controller: "blkio",
    file: "blkio.throttle.io_service_bytes_recursive",
    size: DEVICES,
    take: (bytes, into) => {
      into.readBytes = sum(bytes, READ_V1);
      into.writtenBytes = sum(bytes, WRITE_V1);
    },
  },
  {
    controller: "freezer",
    file: "freezer.state",
    size: NUMBER,
    take: (bytes, into) => void (into.isFrozen = bytes[0] === F),
  },
  ...PRESSURES,
];

const V2: readonly Source[] = [
  {
    controller: "",
    file: "cpu.stat",
    size: LINE,
    take: (bytes, into) => {
      const microseconds = behind(bytes, USAGE);
      into.cpuTime = microseconds === undefined ? undefined : 1000 * microseconds;
    },
  },
  number("", "memory.current", "memory"),
  limit("", "memory.max", "memoryLimit"),
  number("", "pids.current", "pids"),
  limit("", "pids.max", "pidsLimit"),
  {
    controller: "",
    file: "io.stat",
    size: DEVICES,
    take: (bytes, into) => {
      into.readBytes = sum(bytes, READ_V2);
      into.writtenBytes = sum(bytes, WRITE_V2);
    },
  },
  {
    controller: "",
    file: "cgroup.events",
    size: LINE,
    take: (bytes, into) => {
      into.isFrozen = (behind(bytes, FROZEN) ?? 0) > 0;
      into.isEmpty = behind(bytes, POPULATED) === 0;
    },
  },
  ...PRESSURES,
];

const F = 0x46; // FREEZING or FROZEN, not THAWED
const ZERO = 0x30;
const NINE = 0x39;
const encode = (text: string) => new TextEncoder().encode(text);
const TOTAL = encode("total=");
const USAGE = encode("usage_usec ");
const FROZEN = encode("frozen ");
const POPULATED = encode("populated ");
const READ_V1 = encode(" Read ");
const WRITE_V1 = encode(" Write ");
const READ_V2 = encode("rbytes=");
const WRITE_V2 = encode("wbytes=");

function number(
  controller: string,
  file: string,
  name: "cpuTime" | "memory" | "pids",
): Source {
  const take = (bytes: Uint8Array, into: Draft) => void (into[name] = digits(bytes, 0));
  return { controller, file, size: NUMBER, take };
}

function limit(controller: string, file: string, name: "memoryLimit" | "pidsLimit"): Source {
  const take = (bytes: Uint8Array, into: Draft) => {
    const value = digits(bytes, 0);
    into[name] = value === undefined || value >= UNLIMITED ? "max" : value;
  };
  return { controller, file, size: NUMBER, take, isSeldom: true };
}

/** The number that begins there; undefined if none does. */
function digits(bytes: Uint8Array, from: number): number | undefined {
  let value: number | undefined;
  for (let k = from; k < bytes.length; k++) {
    const digit = bytes[k] as number;
    if (digit < ZERO || digit > NINE) break;
    value = 10 * (value ?? 0) + digit - ZERO;
  }
  return value;
}

/** Where the first such words from there on end; -1 if there are none. */
function endOf(bytes: Uint8Array, words: Uint8Array, from: number): number {
  for (let k = bytes.indexOf(words[0] as number, from); k >= 0;) {
    if (words.every((byte, at) => bytes[k + at] === byte)) return k + words.length;
    k = bytes.indexOf(words[0] as number, k + 1);
  }
  return -1;
}

/** The number behind the first such words. */
function behind(bytes: Uint8Array, words: Uint8Array): number | undefined {
  const at = endOf(bytes, words, 0);
  return at < 0 ? undefined : digits(bytes, at);
}

/** The sum of the numbers behind all such words. */
function sum(bytes: Uint8Array, words: Uint8Array): number {
  let total = 0;
  for (let at = endOf(bytes, words, 0); at >= 0; at = endOf(bytes, words, at)) {
    total += digits(bytes, at) ?? 0;
  }
  return total;
}

const NOTHING: Draft = {
  cpuTime: undefined,
  memory: undefined,
  memoryLimit: undefined,
  pids: undefined,
  pidsLimit: undefined,
  readBytes: undefined,
  writtenBytes: undefined,
  cpuWait: undefined,
  memoryWait: undefined,
  ioWait: undefined,
  isFrozen: undefined,
  isEmpty: undefined,
};

/** How many files of a container stay open, at most. */
export const GAUGE_FILES: number = Math.max(V1.length, V2.length);

/**
 * Reads the gauges of one container.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { GaugeReader } from "./gauges.ts";
 *
 * const path = Deno.makeTempDirSync();
 * Deno.writeTextFileSync(`${path}/pids.current`, "3\n");
 * {
 *   using reader = new GaugeReader(2, { "": path });
 *   assertEquals(reader.read()?.pids, 3);
 *   Deno.writeTextFileSync(`${path}/pids.current`, "4\n");
 *   assertEquals(reader.read()?.pids, 4);
 *   assertEquals(reader.read()?.memory, undefined);
 * }
 * Deno.removeSync(path, { recursive: true });
 * ```
 */
export class GaugeReader implements Disposable {
  readonly #files: Fd[] = [];
  /** What is read each time, and what is read in addition. */
  readonly #parts: readonly [Part, Part];
  readonly #last = { ...NOTHING };

  /**
   * Opens the files; those that are not there are left out.
   *
   * @param version of the host's cgroups
   * @param paths each controller's folder
   * @param isKept whether the files stay open; else they are opened for each reading
   * @throws {SyscallError} if no more files can be open
   */
  constructor(version: 1 | 2, paths: Readonly<Record<string, string>>, isKept = true) {
    using opened = new DisposableStack();
    const found: FoundSource[] = [];
    for (const source of version === 1 ? V1 : V2) {
      const folder = paths[source.controller];
      if (folder === undefined) continue;
      const path = `${folder}/${source.file}`;
      const file = tryOpen(path);
      if (file === undefined) continue;
      if (isKept) this.#files.push(opened.use(file));
      else file.close();
      found.push({ source, file: isKept ? file.number : path });
    }
    this.#parts = [
      partOf(found.filter(({ source }) => source.isSeldom !== true)),
      partOf(found.filter(({ source }) => source.isSeldom === true)),
    ];
    opened.move();
  }

  /**
   * Reads them; undefined if nothing can be read, since the cgroups are gone or never were.
   *
   * @param isWhole whether the limits are read anew as well
   */
  read(isWhole = true): Gauges | undefined {
    const [often, seldom] = this.#parts;
    const isThere = readPart(often, this.#last);
    const areLimits = isWhole && readPart(seldom, this.#last);
    return isThere || areLimits ? { ...this.#last } : undefined;
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    for (const file of this.#files) file.close();
  }
}

/** A file of a container: its fd, or its path if it is opened each time. */
interface FoundSource {
  readonly source: Source;
  readonly file: number | string;
}

/** Some files, with the program that reads them. */
interface Part {
  readonly program: SyscallProgram;
  readonly sources: readonly { readonly source: Source; readonly room: Uint8Array }[];
}

function partOf(found: readonly FoundSource[]): Part {
  const program = new SyscallProgram(found.flatMap(reading));
  const sources = found.map(({ source }) => ({ source, room: program.output(source.file) }));
  return { program, sources };
}

/** Whether anything could be read. */
function readPart({ program, sources }: Part, into: Draft): boolean {
  program.run();
  let isThere = false;
  for (const { source, room } of sources) {
    const size = program.result(source.file);
    if (size < 0) continue;
    isThere = true;
    source.take(room.subarray(0, size), into);
  }
  return isThere;
}

/** The calls that read a file from its beginning; they can be made any number of times. */
function reading({ source: { file: label, size }, file }: FoundSource): Operation[] {
  if (typeof file === "number") {
    const room: Space = { space: size, name: label };
    return [{ syscall: "pread64", label, args: [file, room, size, 0], onError: "continue" }];
  }
  return readingFile(label, file, size);
}

function tryOpen(path: string): Fd | undefined {
  try {
    return open(path, O_NOFOLLOW);
  } catch (error) {
    if (error instanceof SyscallError && !isBound(error)) return undefined;
    throw error;
  }
}
