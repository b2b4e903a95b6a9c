/**
 * A container's connection through a program of the user: pasta or slirp4netns. It needs no right
 * on the host. The program has a tap interface in the container, and sockets of its own outside.
 *
 * Source: pasta(1), slirp4netns(1).
 *
 * @module
 */

import { identify, isAlive, openIdentified } from "../state/process_identity.ts";
import type { UserNetworkState } from "../state/stored_state.ts";
import type { Config } from "../config/types/config.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import type { CheckedPort } from "../config/published_port.ts";
import type { CheckedUserNetwork } from "../config/validate_network/network_mode.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { readText } from "../../ffi/files/file.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";
import { signalPidfd } from "../../ffi/processes/process.ts";
import { ContainerError } from "../errors.ts";
import { findInstalled, rootsIds } from "../own/installed_program.ts";
import { leftPrograms, PASTA_FILE, SLIRP_FILE } from "./left_program.ts";
import { resolverConfig } from "./resolver_config.ts";

/** The programs. */
export type UserNetworkProgram = CheckedUserNetwork["kind"];

/** Where the container asks for names: the program passes it on to the host's own servers. */
export const NAME_SERVERS: Readonly<Record<UserNetworkProgram, string>> = {
  pasta: "169.254.1.1",
  slirp4netns: "10.0.2.3",
};

const PACKAGES = { pasta: "passt", slirp4netns: "slirp4netns" } as const;
const FOLDERS = ["/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin"];
const START_MS = 10_000;

/** A program gets nothing of the caller's. */
const APART = {
  stdin: "null",
  stdout: "null",
  stderr: "null",
  clearEnv: true,
  env: { PATH: "/usr/bin:/bin" },
  cwd: "/",
} as const;

/**
 * Finds a program that root has installed.
 *
 * @throws {ContainerError} `Unsupported` if there is none
 */
export function requireProgram(program: UserNetworkProgram): string {
  const found = findInstalled(program, FOLDERS, rootsIds());
  if (found !== undefined) return found.path;
  throw new ContainerError("Unsupported", `${program} is not installed`, {
    step: "network",
    hint: `install the package ${PACKAGES[program]} (what others than root can change in ` +
      `${FOLDERS.join(", ")} doesn't count), or use --network host`,
  });
}

/** A container that waits, and where the program may leave files. */
export interface UserNetworkPlace {
  /** A process in its namespaces, a child that nobody has waited for yet. */
  readonly pid: number;
  readonly config: Config;
  /** The container's state folder. */
  readonly folder: string;
}

/**
 * Starts the program; returns when the container is connected.
 *
 * @throws {ContainerError} `SystemError`, `Unsupported`
 */
export async function startUserNetwork(
  asked: CheckedUserNetwork,
  place: UserNetworkPlace,
): Promise<UserNetworkState> {
  const { kind: through, ports } = asked;
  const path = requireProgram(through);
  const pid = through === "pasta"
    ? await startPasta(path, ports, place)
    : await startSlirp(path, place);
  const identity = identify(pid);
  if (identity !== undefined) return { ...asked, process: identity };
  throw failed(through, "it has ended at once");
}

/**
 * The paths by which the program opens the namespaces. It may open the second in the first one, from
 * where it does not reach this program.
 */
function paths({ pid, config }: UserNetworkPlace) {
  const hasUser = isNew(config.linux?.namespaces ?? [], "user");
  const folder = `/proc/${pid}/ns`;
  return { network: `${folder}/net`, user: hasUser ? `${folder}/user` : undefined };
}

async function startPasta(
  path: string,
  ports: readonly CheckedPort[],
  place: UserNetworkPlace,
): Promise<number> {
  const { network, user } = paths(place);
  const pidFile = `${place.folder}/${PASTA_FILE}`;
  const { success, stderr } = await new Deno.Command(path, {
    args: [
      "--config-net",
      "--quiet",
      ...["--pid", pidFile],
      ...["--dns-forward", NAME_SERVERS.pasta],
      ...pastaPorts(ports),
      ...["--tcp-ns", "none", "--udp-ns", "none"],
      "--no-netns-quit",
      "--no-map-gw", // else the route's address leads to what listens on the host's loopback alone
      ...(user === undefined ? ["--netns-only"] : ["--userns", user]),
      ...["--netns", network],
    ],
    ...APART,
    stderr: "piped",
  }).output();
  if (!success) throw failed("pasta", new TextDecoder().decode(stderr));
  return Number(readText(pidFile));
}

/** The flags of published ports; without them pasta would publish what it finds listening. */
export function pastaPorts(ports: readonly CheckedPort[]): string[] {
  return (["tcp", "udp"] as const).flatMap((protocol) => {
    const published = ports.filter((port) => port.protocol === protocol);
    const flag = `--${protocol}-ports`;
    if (published.length === 0) return [flag, "none"];
    return published.flatMap(({ hostIp, hostPort, containerPort }) => [
      flag,
      `${hostIp === undefined ? "" : `${hostIp}/`}${hostPort}:${containerPort}`,
    ]);
  });
}

async function startSlirp(path: string, place: UserNetworkPlace): Promise<number> {
  const { network, user } = paths(place);
  const ready = `${place.folder}/slirp.ready`;
  const child = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      'stat=$1; shift; read -r line </proc/$$/stat && echo "$line" >"$stat" && ' +
      'exec "$@" 3>"$0" 2>"$0.log"',
      ready,
      `${place.folder}/${SLIRP_FILE}`,
      path,
      "--configure",
      "--mtu=65520",
      "--disable-host-loopback",
      ...await guardsOf(path),
      "--ready-fd=3",
      ...(user === undefined ? [] : [`--userns-path=${user}`]),
      "--netns-type=path",
      network,
      "tap0",
    ],
    ...APART,
  }).spawn();
  child.unref();
  if (await isReady(ready, child.pid)) return child.pid;
  throw failed("slirp4netns", readText(`${ready}.log`) || "it did not get ready");
}

/**
 * How slirp4netns locks itself in, as far as this one can. For its mount namespace it must be root
 * where it starts.
 */
async function guardsOf(path: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(path, { args: ["--help"], ...APART, stdout: "piped" })
    .output();
  const help = new TextDecoder().decode(stdout);
  const flags = ["--enable-seccomp", ...(Deno.uid() === 0 ? ["--enable-sandbox"] : [])];
  return flags.filter((flag) => help.includes(flag));
}

/** Whether the program has written that it is ready, before it ends or the time is over. */
async function isReady(file: string, pid: number): Promise<boolean> {
  for (const end = performance.now() + START_MS; performance.now() < end;) {
    const status = tryStatPath(file, true);
    if (typeof status !== "number" && status.size > 0) return true;
    const program = identify(pid);
    if (program === undefined || !isAlive(program)) return false;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return false;
}

const PAUSE_MS = 10;

/** The host's resolv.conf for the container: the program asks the servers that it can't reach. */
export function userResolverConfig(program: UserNetworkProgram): string {
  const own = `nameserver ${NAME_SERVERS[program]}\n`;
  const text = resolverConfig(false) ?? "";
  return /^nameserver\s/m.test(text) ? text : `${own}${text}`;
}

/**
 * Ends the program, if it still runs.
 *
 * @param folder the container's state folder
 */
export function stopUserNetwork({ kind, process }: UserNetworkState, folder: string): void {
  for (const each of process === undefined ? leftPrograms(kind, folder) : [process]) {
    using pidfd = openIdentified(each);
    if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
  }
}

function failed(program: string, said: string): ContainerError {
  // where there is no syslog pasta complains of that for each line of its own
  const lines = said.split("\n").filter((line) =>
    !/^Failed to send \d+ bytes to syslog/.test(line)
  );
  const text = lines.join("\n").trim().replaceAll(/\s*\n\s*/g, "; ");
  return new ContainerError("SystemError", `cannot connect the container by ${program}: ${text}`, {
    step: "network",
    hint: /\btun\b/.test(text)
      ? "every user must be let open /dev/net/tun: modprobe tun; chmod 0666 /dev/net/tun"
      : /\bbind\b/.test(text)
      ? "the port is taken, or below that of sysctl net.ipv4.ip_unprivileged_port_start"
      : "the host must have a network of its own; --network none does without",
  });
}
