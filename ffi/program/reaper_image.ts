/**
 * A small first process for a container, as an executable of less than a thousand bytes: `/init
 * PROGRAM ARGUMENTS…` runs the program as its child, takes the status of every process that ends
 * without a parent, passes on each signal that it gets, and ends with the program: with its code,
 * or 128+n after signal n.
 *
 * The kernel drops a signal to the first process of a pid namespace if that has no handler for it,
 * even its own: abort(3) and SIGPIPE don't end it. Its child has no such rank. So that no signal is
 * lost, this process blocks all of them and takes them by rt_sigtimedwait(2). Its child is in a
 * process group of its own, in the foreground of the terminal if there is one, so that what is typed
 * there reaches it once.
 *
 * @module
 */

import { type Arch, layOut } from "./program_image.ts";
import { CODE as AARCH64 } from "./reaper_aarch64.ts";
import { CODE as X86_64 } from "./reaper_x86_64.ts";

/** What it says if the program can't be executed; the code has its length. */
const FAILURE = "/init: cannot execute the program\n";

/** The bytes of the executable. */
export function reaperImage(arch: Arch = Deno.build.arch): Uint8Array<ArrayBuffer> {
  const code = Uint8Array.fromHex(arch === "aarch64" ? AARCH64 : X86_64);
  return layOut(code, new TextEncoder().encode(FAILURE), arch);
}
