/**
 * The container's terminal: made from its own devpts, so that its number means something inside,
 * and handed to the parent.
 *
 * Source: pty(7), devpts of the kernel's filesystems documentation; config.md, "terminal".
 *
 * @module
 */

import { AT_EMPTY_PATH, O_CLOEXEC, O_NOCTTY, O_RDWR } from "../../../ffi/files/file.ts";
import { S_IFREG } from "../../../ffi/files/file_status.ts";
import { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from "../../../ffi/files/mount.ts";
import {
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from "../../../ffi/files/path.ts";
import { messageWithFd } from "../../../ffi/sockets/socket.ts";
import {
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
  windowSize,
} from "../../../ffi/sockets/terminal.ts";
import type { ConsoleFds } from "../../operations/init_config.ts";
import type { ConsoleSize } from "../../../src/config/types/config.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { attach } from "./mount_calls.ts";
import { insideRoot, openPlace, ROOT } from "../places/paths.ts";

const MASTER = "terminal.master";
const SLAVE = "terminal.slave";
const POINTER = "/process/terminal";
/** No link may lead from /dev/pts to a file that only looks like a terminal (CVE-2025-52565). */
const NO_LINKS = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;

/**
 * Makes the terminal, the program's three streams and, in a /dev of init's making, /dev/console.
 *
 * @param fds the socket to the parent, and the number that the master end gets for the way
 * @param ownsDev whether /dev is the container's own
 */
export function makeTerminal(
  fds: ConsoleFds,
  size: ConsoleSize | undefined,
  ownsDev: boolean,
): PlanItem[] {
  const step = new StepBuilder("terminal");
  const path = "/dev/pts/ptmx";
  const hint = "a terminal needs a devpts at /dev/pts among the mounts";
  step.because("make a pseudo terminal", path, POINTER, hint)
    .call("openat2", insideRoot(result(ROOT), path, O_RDWR | O_NOCTTY | O_CLOEXEC, NO_LINKS), {
      label: MASTER,
    })
    .call("ioctl", [result(MASTER), TIOCSPTLCK, new Uint8Array(4)])
    .call("ioctl", [result(MASTER), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC], { label: SLAVE });
  if (size !== undefined) {
    step.because("set the terminal's size", undefined, "/process/consoleSize")
      .call("ioctl", [result(MASTER), TIOCSWINSZ, windowSize(size.width, size.height)]);
  }
  if (ownsDev) mountConsole(step);
  step.because("hand the terminal to the parent", undefined, POINTER)
    .call("dup3", [result(MASTER), fds.master, O_CLOEXEC])
    .call("sendmsg", [fds.socket, messageWithFd(fds.master, path), 0]);
  step.because("make it the program's streams", undefined, POINTER);
  for (const stream of [0, 1, 2]) step.call("dup3", [result(SLAVE), stream, 0]);
  step.call("ioctl", [0, TIOCSCTTY, 0]);
  step.close(SLAVE, MASTER);
  return step.items;
}

function mountConsole(step: StepBuilder): void {
  const tree = [result(SLAVE), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH];
  step.because("show the terminal as /dev/console", "/dev/console", POINTER);
  openPlace(step, "/dev", "terminal.dev", { directory: true, followLinks: false });
  step.call("mknodat", [result("terminal.dev"), "console", S_IFREG | 0o666, 0], {
    tolerated: "EEXIST",
  });
  openPlace(step, "/dev/console", "terminal.place", { followLinks: false });
  step.call("open_tree", tree, { label: "terminal.mount" });
  attach(step, "terminal.mount", "terminal.place");
  step.close("terminal.mount", "terminal.place", "terminal.dev");
}
