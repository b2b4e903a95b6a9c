/**
 * Shares of the CPU's caches and memory bandwidth, through the resctrl file system.
 *
 * A class of service is a folder, its limits are the lines of its file `schemata`, and a process is
 * in it once its number was written to `tasks`. A monitoring group is a folder in `mon_groups`.
 *
 * Source: the kernel's Documentation/filesystems/resctrl.rst; config-linux.md, "IntelRdt".
 *
 * @module
 */

import { readText } from "../../ffi/files/file.ts";
import type { IntelRdt } from "../config/types/config.ts";
import { ContainerError, type Fault } from "../errors.ts";

/** What a container has in the resctrl file system; kept in its state. */
export interface ResctrlGroups {
  /** The folders that hull made and removes with the container, the innermost first. */
  readonly made: readonly string[];
  /** The folder of the class of service. */
  readonly path: string;
}

const STEP = "resctrl";
const POINTER = "/linux/intelRdt";
/** Folders that every class of service has. */
const OWN_FOLDERS = ["info", "mon_data", "mon_groups"];

/**
 * Where the resctrl file system is mounted; undefined if it isn't.
 *
 * @param mountinfo proc(5)'s list of mounts
 */
export function findResctrl(
  mountinfo: string = readText("/proc/self/mountinfo"),
): string | undefined {
  const line = mountinfo.split("\n").find((entry) => entry.includes(" - resctrl "));
  return line?.split(" ")[4]?.replaceAll(
    /\\([0-7]{3})/g,
    (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
  );
}

/** The mounted resctrl file system, or a folder that stands for it. */
export class Resctrl {
  readonly #root: string;
  readonly #removeFolder: (path: string) => void;

  /**
   * A file system at `root`.
   *
   * @param removeFolder rmdir(2), which in a resctrl file system also removes the folder's files
   */
  constructor(root: string, removeFolder: (path: string) => void = Deno.removeSync) {
    this.#root = root;
    this.#removeFolder = removeFolder;
  }

  /**
   * The file system of this host.
   *
   * @throws {ContainerError} `Unsupported` if it is not mounted
   */
  static mounted(root: string | undefined = findResctrl()): Resctrl {
    if (root !== undefined) return new Resctrl(root);
    throw new ContainerError("Unsupported", "the resctrl file system is not mounted", {
      pointer: POINTER,
      hint: "mount -t resctrl resctrl /sys/fs/resctrl, where CPU and kernel have it, or take the " +
        "field out",
    });
  }

  /**
   * Refuses what the CPU doesn't have, before anything is made.
   *
   * @throws {ContainerError} `Unsupported` with every field
   */
  require(rdt: IntelRdt): void {
    const faults: Fault[] = [];
    const need = (field: keyof IntelRdt, asked: boolean, ...places: string[]) => {
      if (!asked || places.some((place) => exists(`${this.#root}/info/${place}`))) return;
      faults.push({ pointer: `${POINTER}/${field}`, message: `needs ${places[0]} in info/` });
    };
    need("l3CacheSchema", hasText(rdt.l3CacheSchema), "L3", "L3CODE");
    need("memBwSchema", hasText(rdt.memBwSchema), "MB");
    need("enableMonitoring", rdt.enableMonitoring === true, "L3_MON");
    if (faults.length === 0) return;
    throw new ContainerError("Unsupported", `${this.#root} has no such resource on this CPU`, {
      faults,
      hint: "take the field out, or look for an rdt= option on the kernel's command line",
    });
  }

  /**
   * Puts a process into its class of service and, if asked for, a monitoring group. A failure
   * leaves nothing behind.
   *
   * @param id the container's, after which hull names what it makes
   * @throws {ContainerError} `SystemError` with what the kernel's last_cmd_status says
   */
  join(rdt: IntelRdt, id: string, pid: number): ResctrlGroups {
    const path = this.#folderOf(rdt, id);
    const group = `${path}/mon_groups/${id}`;
    const fresh: string[] = [];
    try {
      if (this.#makeClass(rdt, path)) fresh.unshift(path);
      this.#write(`${path}/schemata`, schemata(rdt), schemataPointer(rdt));
      this.#write(`${path}/tasks`, `${pid}\n`, POINTER);
      if (rdt.enableMonitoring === true) {
        this.#make(group, `${POINTER}/enableMonitoring`);
        fresh.unshift(group);
        this.#write(`${group}/tasks`, `${pid}\n`, `${POINTER}/enableMonitoring`);
      }
    } catch (error) {
      this.remove({ made: fresh, path });
      throw error;
    }
    // A class that the config names may be used by others too, even if it was made for this
    // container.
    return { made: fresh.filter((folder) => folder !== path || !hasText(rdt.closID)), path };
  }

  /**
   * Changes limits of a class; those that are not named stay. They apply to all processes in the
   * class.
   *
   * @returns a function that restores the limits before, as far as the kernel permits
   * @throws {ContainerError} `Unsupported` for what the CPU lacks, `SystemError`
   */
  change(
    { path }: ResctrlGroups,
    update: Pick<IntelRdt, "l3CacheSchema" | "memBwSchema">,
  ): () => void {
    this.require(update);
    const file = `${path}/schemata`;
    const before = readOrNothing(file);
    this.#write(file, schemata(update), schemataPointer(update));
    return () => this.#write(file, before, POINTER);
  }

  /** Puts a further process of a container, one of `exec`, where its first one is. */
  enter({ made, path }: ResctrlGroups, pid: number): void {
    const groups = made.filter((folder) => folder.startsWith(`${path}/mon_groups/`));
    for (const folder of [path, ...groups]) this.#write(`${folder}/tasks`, `${pid}\n`, POINTER);
  }

  /** Removes what hull made; the processes left in it go back to the default class. */
  remove({ made }: ResctrlGroups): void {
    for (const folder of made) {
      try {
        this.#removeFolder(folder);
      } catch (error) {
        // Gone with its class, or with the file system.
        if (!(error instanceof Deno.errors.NotFound)) throw this.#error("remove", folder, error);
      }
    }
  }

  #folderOf({ closID }: IntelRdt, id: string): string {
    if (closID === "/") return this.#root;
    const name = hasText(closID) ? closID : id;
    if (!OWN_FOLDERS.includes(name)) return `${this.#root}/${name}`;
    throw new ContainerError("ConfigInvalid", `${name} is no name for a class of service`, {
      pointer: `${POINTER}/closID`,
      hint: "name another closID",
    });
  }

  /** Makes the class unless it exists; returns whether it was made. */
  #makeClass(rdt: IntelRdt, path: string): boolean {
    const isThere = exists(path);
    if (isThere && hasText(rdt.closID)) this.#compare(rdt, path);
    if (isThere) return false;
    if (hasText(rdt.closID) && schemata(rdt) === "") {
      throw new ContainerError("SystemError", `there is no class of service ${rdt.closID}`, {
        step: STEP,
        path,
        pointer: `${POINTER}/closID`,
        hint: "make the folder first, or say in schemata what it allows",
      });
    }
    this.#make(path, POINTER);
    return true;
  }

  /** An existing class keeps its limits, so they must be those that the config asks for. */
  #compare(rdt: IntelRdt, path: string): void {
    for (const field of ["l3CacheSchema", "memBwSchema"] as const) {
      const asked = rdt[field];
      if (!hasText(asked)) continue;
      const has = this.#read(`${path}/schemata`);
      if (sameLimits(asked, has)) continue;
      throw new ContainerError("SystemError", `the class of service has other limits: ${has}`, {
        step: STEP,
        path: `${path}/schemata`,
        pointer: `${POINTER}/${field}`,
        hint: "take the field out, or name another closID",
      });
    }
  }

  #make(path: string, pointer: string): void {
    try {
      Deno.mkdirSync(path, { mode: 0o755 });
    } catch (error) {
      throw this.#error("make", path, error, pointer);
    }
  }

  #read(path: string): string {
    try {
      return Deno.readTextFileSync(path).trim().replaceAll(/\s*\n\s*/g, ", ");
    } catch (error) {
      throw this.#error("read", path, error);
    }
  }

  #write(path: string, text: string, pointer: string): void {
    if (text === "") return;
    try {
      Deno.writeTextFileSync(path, text);
    } catch (error) {
      throw this.#error("write", path, error, pointer);
    }
  }

  #error(verb: string, path: string, cause: unknown, pointer = POINTER): ContainerError {
    const code = (cause as { code?: string }).code;
    const status = readOrNothing(`${this.#root}/info/last_cmd_status`).trim();
    const why = status === "" || status === "ok" ? "" : `: the kernel says: ${status}`;
    return new ContainerError("SystemError", `cannot ${verb} ${path}${why}`, {
      step: STEP,
      path,
      errno: code,
      pointer,
      hint: code === "ENOSPC" ? "the CPU has no class of service or monitor left" : undefined,
      cause,
    });
  }
}

/** The lines of the schemata file, in the spec's order. */
function schemata({ l3CacheSchema, memBwSchema, schemata = [] }: IntelRdt): string {
  const lines = [l3CacheSchema, memBwSchema, ...schemata].filter(hasText);
  return lines.map((line) => `${line}\n`).join("");
}

/** The field that a refused write is about, where only one was given. */
function schemataPointer(rdt: IntelRdt): string {
  const given = (["l3CacheSchema", "memBwSchema", "schemata"] as const).filter((field) =>
    rdt[field] !== undefined && rdt[field].length > 0
  );
  return given.length === 1 ? `${POINTER}/${given[0]}` : POINTER;
}

/**
 * Whether each limit of a line, such as `L3:0=f;1=ff`, is among a file's; leading zeros don't
 * count.
 */
function sameLimits(line: string, file: string): boolean {
  const has = limits(file);
  return [...limits(line)].every(([domain, value]) => has.get(domain) === value);
}

function limits(lines: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines.split(/\n|, /)) {
    const [resource = "", domains = ""] = line.trim().split(":");
    for (const entry of domains.split(";")) {
      const [domain, value] = entry.split("=").map((part) => part.trim());
      if (domain === undefined || value === undefined) continue;
      found.set(`${resource}:${Number(domain)}`, value.toLowerCase().replace(/^0+(?=.)/, ""));
    }
  }
  return found;
}

function hasText(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false; // not there, or no folder to work with
  }
}

function readOrNothing(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // an old kernel doesn't say
  }
}
