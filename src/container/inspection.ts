/**
 * All that is known of a container, in one look from outside.
 *
 * Source: proc(5), namespaces(7).
 *
 * @module
 */

import { open, read, readText } from "../../ffi/files/file.ts";
import { type MountLine, parseMountLine } from "../../ffi/files/mount_table.ts";
import { NAMESPACE_FILES, type NamespaceName } from "../../ffi/processes/namespaces.ts";
import { readStatus, statusField } from "../../ffi/processes/process_status.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import type { PublishedPort } from "../config/types/network_mode.ts";
import type { NamedNetwork, Route } from "../config/types/network.ts";
import type { Config } from "../config/types/config.ts";
import { portsOnBridges } from "../network/container_lease.ts";
import { isAlive, type ProcessIdentity } from "../state/process_identity.ts";
import type { State } from "../state/oci_state.ts";
import { endOf, stateOf } from "./measures.ts";
import type { KnownContainer } from "./known_container.ts";

/** So much of a process's words is told; a process can have any number. */
const MOST_BYTES = 4096;

/** What {@linkcode Factory.inspect} tells. */
export interface Inspection extends Omit<State, "cgroupPaths"> {
  /** Its state folder on the host. */
  readonly folder: string;
  /** The user who owns that, by number. */
  readonly ownerUid: number;
  /** How the first process ended, once that is known: its exit code, or 128 plus the signal. */
  readonly exitCode?: number | undefined;
  /** Whether the kernel ended it for want of memory. */
  readonly oomKilled?: boolean | undefined;
  /** The name of the ExecDriver that made it, if one did. */
  readonly driver?: string | undefined;
  /** Whether another process keeps its exit code when its creator ends first. */
  readonly supervised: boolean;
  /** Where it is limited and counted. */
  readonly cgroups: InspectedCgroups;
  /** What it has of the network. */
  readonly network: InspectedNetwork;
  /** The namespaces of the first process, by type; empty once that has ended. */
  readonly namespaces: Readonly<Record<string, InspectedNamespace>>;
  /** What the first process sees mounted; what the config asks for where there is no process. */
  readonly mounts: readonly InspectedMount[];
  /** Its processes. */
  readonly processes: readonly InspectedProcess[];
  /** The config as it is stored, with the limits of the last change. */
  readonly config: Config;
}

/** Its cgroups. */
export interface InspectedCgroups {
  /** Which rules apply. */
  readonly version: 1 | 2;
  /** How they were made. */
  readonly driver: "cgroupfs" | "systemd" | "disabled";
  /** The folder of each controller, by its name; on v2 one, under the name "". */
  readonly paths: Readonly<Record<string, string>>;
  /** The unit of systemd's that they belong to. */
  readonly unit?: string | undefined;
}

/** Its network. */
export interface InspectedNetwork {
  /** The interfaces that hull made for it, with their names inside and outside, and addresses. */
  readonly interfaces: readonly NamedNetwork[];
  /** The routes that hull made for it. */
  readonly routes: readonly Route[];
  /** The ports of the host that lead to it. */
  readonly ports: readonly PublishedPort[];
  /** The program of the user that connects it: `pasta` or `slirp4netns`. */
  readonly program?: string | undefined;
}

/** A namespace. */
export interface InspectedNamespace {
  /** The link's text, such as `net:[4026532008]`: two processes with the same share it. */
  readonly id: string;
  /** Whether it is also that of the program that looks. */
  readonly isHosts: boolean;
}

/** A mount. */
export interface InspectedMount {
  /** Where it is in the container. */
  readonly destination: string;
  /** The type of its file system, such as `tmpfs`. */
  readonly type: string;
  /** What is mounted: a device, a name, or for a bind the folder or file of its file system. */
  readonly source: string;
  /** The options of the mount, then those of the file system that it has beside these. */
  readonly options: readonly string[];
}

/** A process. */
export interface InspectedProcess {
  /** Its number on the host. */
  readonly pid: number;
  /** Its number inside. */
  readonly innerPid: number;
  /** That of its parent on the host. */
  readonly parent: number;
  /** The kernel's letter for what it does: `R` runs, `S` sleeps, `Z` has ended. */
  readonly state: string;
  /** Its user on the host, by number. */
  readonly uid: number;
  /** Its words, cut after 4 KiB; its name in brackets where it has none. */
  readonly args: readonly string[];
}

/**
 * Looks at a container.
 *
 * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`
 */
export function inspect(known: KnownContainer): Inspection {
  const { cgroupPaths: paths, ...state } = stateOf(known);
  const stored = known.state.read();
  const { driver, systemdUnit, supervisor, network, userNetwork, config, init } = stored;
  const ended = state.status === "stopped" ? endOf(known) : undefined;
  const isManaged = Object.keys(paths).length > 0;
  const first = init !== undefined && isAlive(init) ? init : undefined;
  const { store, cgroups: { version } } = known.surroundings;
  return {
    ...state,
    folder: known.folder,
    ownerUid: store.owner(known.id),
    ...(ended === undefined ? {} : { exitCode: ended.code }),
    ...(ended?.oomKilled === true ? { oomKilled: true } : {}),
    ...(driver === undefined ? {} : { driver }),
    supervised: supervisor !== undefined,
    cgroups: {
      version,
      driver: systemdUnit !== undefined ? "systemd" : isManaged ? "cgroupfs" : "disabled",
      paths,
      ...(systemdUnit === undefined ? {} : { unit: systemdUnit.name }),
    },
    network: {
      interfaces: network?.networks.items ?? [],
      routes: network?.routes.items ?? [],
      ports: userNetwork?.ports ??
        (stored.hasLease === true ? portsOnBridges(store.root, network?.owner) : []),
      ...(userNetwork === undefined ? {} : { program: userNetwork.kind }),
    },
    namespaces: whileAlive(first, namespacesOf) ?? {},
    mounts: whileAlive(first, mountsOf) ?? askedMounts(config),
    processes: known.processes().flatMap((pid) => processOf(pid) ?? []),
    config,
  };
}

/** What a look at a process gave; undefined if it had ended before the look was over. */
function whileAlive<Seen>(
  process: ProcessIdentity | undefined,
  look: (pid: number) => Seen,
): Seen | undefined {
  if (process === undefined) return undefined;
  try {
    const seen = look(process.pid);
    return isAlive(process) ? seen : undefined; // else it may have been another one's
  } catch (error) {
    if (error instanceof SyscallError || error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined; // another user's
    throw error;
  }
}

function namespacesOf(pid: number): Record<string, InspectedNamespace> {
  const link = (whose: number | "self", file: string) =>
    Deno.readLinkSync(`/proc/${whose}/ns/${file}`);
  const there = new Set([...Deno.readDirSync(`/proc/${pid}/ns`)].map(({ name }) => name));
  return Object.fromEntries(
    (Object.entries(NAMESPACE_FILES) as [NamespaceName, string][])
      .filter(([, file]) => there.has(file))
      .map(([name, file]) => {
        const id = link(pid, file);
        return [name, { id, isHosts: id === link("self", file) }];
      }),
  );
}

function mountsOf(pid: number): InspectedMount[] {
  return readText(`/proc/${pid}/mountinfo`).split("\n").flatMap((line) => {
    const mount = parseMountLine(line);
    return mount === undefined ? [] : [inspected(mount)];
  });
}

function inspected(
  { point, type, source, root, options, superOptions }: MountLine,
): InspectedMount {
  const more = superOptions.filter((option) =>
    option !== "" && option !== "rw" && option !== "ro" && !options.includes(option)
  );
  return {
    destination: point,
    type,
    source: root === "/" ? source : root,
    options: [...options, ...more],
  };
}

function askedMounts({ mounts = [] }: Config): InspectedMount[] {
  return mounts.map(({ destination, type = "bind", source = "", options = [] }) => ({
    destination,
    type,
    source,
    options,
  }));
}

function processOf(pid: number): InspectedProcess | undefined {
  try {
    const status = readStatus(pid);
    const field = (name: string) => (statusField(status, name) ?? "").split(/\s+/);
    const words = commandLine(pid);
    return {
      pid,
      innerPid: Number(field("NSpid").at(-1)),
      parent: Number(field("PPid")[0]),
      state: field("State")[0] ?? "",
      uid: Number(field("Uid")[1]),
      args: words.length > 0 ? words : [`[${statusField(status, "Name")}]`],
    };
  } catch (error) {
    if (error instanceof SyscallError) return undefined; // it has ended
    throw error;
  }
}

function commandLine(pid: number): string[] {
  using file = open(`/proc/${pid}/cmdline`);
  const bytes = read(file, MOST_BYTES) ?? new Uint8Array();
  const text = new TextDecoder().decode(bytes);
  return text === "" ? [] : text.replace(/\0$/, "").split("\0");
}
