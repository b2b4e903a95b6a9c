/**
 * The engine's own threads, which compile what runs often. When one of them is woken, the kernel may
 * let it run in place of the thread that does a caller's command, though another CPU is idle. As
 * batch work it waits for its turn. It still gets its share of a busy host: the thread that does the
 * commands may have to wait for it, and with SCHED_IDLE did so for more than a second.
 *
 * Source: sched(7), SCHED_BATCH; sched_setattr(2).
 *
 * @module
 */

import { optionalText } from "../../ffi/files/optional_text.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";

const SCHED_BATCH = 3;
/** struct sched_attr, as its first version has it. */
const ATTRIBUTES_SIZE = 48;
/** As the engine names them; the kernel cuts a name. */
const NAME = "V8 ";

/** Lets them take no CPU from others. Where the kernel does not let it, they stay as they are. */
export function restEngineThreads(): void {
  const attributes = new Uint8Array(ATTRIBUTES_SIZE);
  new DataView(attributes.buffer).setUint32(0, ATTRIBUTES_SIZE, true);
  new DataView(attributes.buffer).setUint32(4, SCHED_BATCH, true);
  const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => name)
    .filter((thread) => optionalText(`/proc/self/task/${thread}/comm`).startsWith(NAME));
  new SyscallProgram(threads.map((thread) => ({
    syscall: "sched_setattr",
    args: [Number(thread), attributes, 0],
    onError: "continue",
  }))).run();
}
