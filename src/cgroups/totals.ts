/**
 * What a container has used in all, once it has ended: a handful of files, read by one program that
 * leaves the event loop alone. `stats.ts` reads much more.
 *
 * Source: the kernel's cgroup-v1/cpuacct.rst, memory.rst and blkio-controller.rst, cgroup-v2.rst.
 *
 * @module
 */

import { optionalText } from "../../ffi/files/optional_text.ts";
import { type Aside, runAside } from "../../ffi/waiting/aside.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { readingFile } from "./file_reading.ts";
import { parseTable } from "./folder.ts";
import type { CgroupManager } from "./manager.ts";

/** What the processes of a container used together; undefined: its cgroups don't tell. */
export interface Totals {
  /** CPU time in nanoseconds. */
  readonly cpuNs: number | undefined;
  /** The most memory at once, in bytes. */
  readonly memoryPeak: number | undefined;
  /** How many processes the kernel killed for want of memory. */
  readonly oomKills: number | undefined;
  /** Bytes that were read from block devices. */
  readonly readBytes: number | undefined;
  /** Bytes that were written to them. */
  readonly writtenBytes: number | undefined;
}

/** Room for what the files usually hold; a longer one is read again. */
const SIZE = 4096;

/** The file of v1 that counts bytes has its name from the scheduler; the first that is there counts. */
const BYTES_V1 = [
  "blkio.bfq.io_service_bytes_recursive",
  "blkio.io_service_bytes_recursive",
  "blkio.throttle.io_service_bytes_recursive",
  "blkio.throttle.io_service_bytes",
] as const;

/**
 * Reads them. Of cgroups that are gone it gives nothing.
 *
 * @param aside how the calls are made, which may wait in the kernel
 */
export async function readTotals(
  { version, paths }: Pick<CgroupManager, "version" | "paths">,
  aside: Aside,
): Promise<Totals> {
  return version === 1 ? await totalsV1(paths, aside) : await totalsV2(paths[""], aside);
}

async function totalsV1(
  { cpuacct, memory, blkio }: Readonly<Record<string, string>>,
  aside: Aside,
): Promise<Totals> {
  const read = await readFiles([
    [cpuacct, "cpuacct.usage"],
    [memory, "memory.max_usage_in_bytes"],
    [memory, "memory.oom_control"],
    ...BYTES_V1.map((name) => [blkio, name] as const),
  ], aside);
  const [usage, peak, oom, ...counts] = read;
  const bytes = counts.find((text) => text !== undefined);
  return {
    cpuNs: numberIn(usage),
    memoryPeak: numberIn(peak),
    oomKills: oom === undefined ? undefined : parseTable(oom).oom_kill,
    readBytes: bytes === undefined ? undefined : sumOf(bytes, /^\d+:\d+ Read (\d+)$/gm),
    writtenBytes: bytes === undefined ? undefined : sumOf(bytes, /^\d+:\d+ Write (\d+)$/gm),
  };
}

async function totalsV2(path: string | undefined, aside: Aside): Promise<Totals> {
  const names = ["cpu.stat", "memory.peak", "memory.events", "io.stat"] as const;
  const [cpu, peak, events, io] = await readFiles(names.map((name) => [path, name]), aside);
  const usage = cpu === undefined ? undefined : parseTable(cpu).usage_usec;
  return {
    cpuNs: usage === undefined ? undefined : usage * 1000,
    memoryPeak: numberIn(peak),
    oomKills: events === undefined ? undefined : parseTable(events).oom_kill,
    readBytes: io === undefined ? undefined : sumOf(io, /\brbytes=(\d+)/g),
    writtenBytes: io === undefined ? undefined : sumOf(io, /\bwbytes=(\d+)/g),
  };
}

/** A folder, which may be missing, and a file in it. */
type Wanted = readonly [folder: string | undefined, name: string];

/** The texts of files; undefined for those that are not there or can't be read. */
async function readFiles(
  files: readonly Wanted[],
  aside: Aside,
): Promise<readonly (string | undefined)[]> {
  const program = new SyscallProgram(files.flatMap(readOne));
  await runAside(program, aside);
  const decoder = new TextDecoder();
  return files.map(([folder, name], index) => {
    const length = folder === undefined ? -1 : program.result(`${index}`);
    if (length < 0) return undefined;
    if (length === SIZE) return optionalText(`${folder}/${name}`);
    return decoder.decode(program.output(`${index}`).subarray(0, length));
  });
}

function readOne([folder, name]: Wanted, index: number): Operation[] {
  return folder === undefined ? [] : readingFile(`${index}`, `${folder}/${name}`, SIZE);
}

function numberIn(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+\n?$/.test(text) ? undefined : Number(text);
}

function sumOf(text: string, lines: RegExp): number {
  let sum = 0;
  for (const [, value] of text.matchAll(lines)) sum += Number(value);
  return sum;
}
