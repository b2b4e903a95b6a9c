/**
 * Where a resident listens: a socket in a folder that only root can write to, of which one resident
 * at a time is in charge; or one that systemd has made (sd_listen_fds(3)).
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { unlinkAt } from "../../../ffi/files/entries.ts";
import { AT_FDCWD, Fd, O_CREAT, O_NOFOLLOW, O_RDWR, open } from "../../../ffi/files/file.ts";
import { tryLock } from "../../../ffi/files/file_lock.ts";
import { optionalText } from "../../../ffi/files/optional_text.ts";
import { setNonBlocking } from "../../../ffi/files/pipe.ts";
import { listenForPackets } from "../../../ffi/sockets/packet_socket.ts";
import { ContainerError } from "../../errors.ts";
import { DEFAULT_ROOT } from "../../own/default_root.ts";
import { requireOwnRoot } from "../../state/root_folder.ts";

/** Where clients look for a resident. */
export const SOCKET = `${DEFAULT_ROOT}/~resident.sock`;
const FIRST_PASSED = 3;
const FOLDER_OF_SOCKET = {
  name: "folder of the socket",
  hint: "name a socket with --socket in a folder that root alone can write to",
} as const;

/** A listening socket; what it made is gone when it is disposed of. */
export interface Listening extends Disposable {
  readonly socket: Fd;
}

/**
 * Listens at a path.
 *
 * @throws {ContainerError} `IdInUse` if another resident does, `ConfigInvalid` for a folder that
 *   others can write to, `SystemError`
 */
export function listenAt(path: string): Listening {
  using stack = new DisposableStack();
  const folder = path.slice(0, path.lastIndexOf("/"));
  makeFolder(folder);
  // Clients do what they are told by who listens there.
  requireOwnRoot(folder, FOLDER_OF_SOCKET);
  const lock = stack.use(open(`${path}.lock`, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
  if (!tryLock(lock)) {
    throw new ContainerError("IdInUse", `a resident hull listens at ${path} already`, {
      path,
      hint: "hull resident stop ends it",
    });
  }
  if (isListenedAt(path)) {
    throw new ContainerError("IdInUse", `another program listens at ${path} for a resident hull`, {
      path,
      hint: "where systemd does, it starts one by itself; another --socket is free",
    });
  }
  remove(path); // of one that was killed
  const umask = Deno.umask(0o177);
  let socket: Fd;
  try {
    socket = stack.use(listenForPackets(path));
  } finally {
    Deno.umask(umask);
  }
  stack.defer(() => remove(path));
  const all = stack.move();
  return { socket, [Symbol.dispose]: () => all.dispose() };
}

/**
 * Whether anybody listens there, such as systemd, which takes no lock. Nobody is asked, since systemd
 * would start a resident for that: proc_net_unix(5).
 */
function isListenedAt(path: string): boolean {
  return optionalText("/proc/net/unix").split("\n").some((line) => {
    const flags = parseInt(line.split(/\s+/)[3] ?? "", 16);
    return (flags & ACCEPTS) !== 0 && line.endsWith(` ${path}`);
  });
}

/** __SO_ACCEPTCON of the kernel. */
const ACCEPTS = 0x10000;

/** The socket that systemd has passed to this program; undefined if it has not. */
export function listenAtPassed(): Listening | undefined {
  const count = Number(Deno.env.get("LISTEN_FDS") ?? "0");
  if (Deno.env.get("LISTEN_PID") !== String(Deno.pid) || count < 1) return undefined;
  const socket = new Fd(FIRST_PASSED);
  setNonBlocking(socket);
  return { socket, [Symbol.dispose]: () => socket.close() };
}

function makeFolder(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o711 });
}

function remove(path: string): void {
  try {
    unlinkAt(AT_FDCWD, path);
  } catch (error) {
    if (!failedWith(error, "ENOENT")) throw error;
  }
}
