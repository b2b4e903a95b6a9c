/** Processes and their memory, as /proc tells. @module */

/** A process below another. */
export interface Below {
  readonly pid: number;
  readonly command: string;
}

/** The children of a process, those of all its threads. */
export function childrenOf(pid: number): number[] {
  return names(`/proc/${pid}/task`).flatMap((thread) =>
    text(`/proc/${pid}/task/${thread}/children`).split(" ").filter((word) => word !== "")
      .map(Number)
  );
}

/** A process and all below it. */
export function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

/** The most memory that a process had resident so far, in KiB; 0 if it has ended. */
export function peakKib(pid: number): number {
  return field(text(`/proc/${pid}/status`), "VmHWM");
}

/** Its proportional set size, in KiB: memory that several map counts in parts. */
export function proportionalKib(pid: number): number {
  return field(text(`/proc/${pid}/smaps_rollup`), "Pss");
}

/** What it is: its name, and that of its role where the runtime gives one. */
export function commandOf(pid: number): string {
  const words = text(`/proc/${pid}/cmdline`).split("\0").filter((word) => word !== "");
  const program = words[0]?.split("/").at(-1) ?? "";
  return [program, ...words.includes("init") ? ["init"] : []].join(" ");
}

/** The processes with a word in the environment that they were started with. */
export function processesMarked(mark: string): number[] {
  return names("/proc").filter((name) => /^\d+$/.test(name)).map(Number)
    .filter((pid) => pid !== Deno.pid && text(`/proc/${pid}/environ`).includes(mark));
}

function field(lines: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(lines)?.[1] ?? 0);
}

function text(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // it has ended
  }
}

function names(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return []; // the same
  }
}
