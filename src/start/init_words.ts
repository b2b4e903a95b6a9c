/**
 * What the host's side tells a container's first process over its control pipe.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import type { Fd } from "../../ffi/files/file.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { writeFully } from "../../ffi/waiting/stream.ts";
import { encodeConfig } from "../../init/words/channel.ts";
import type { InitConfig } from "../../init/operations/init_config.ts";
import { letGoOn } from "../process/control_pipe.ts";

/**
 * Sends the config; if init ends before it has read it all, its own message says why.
 *
 * @throws {SyscallError}
 */
export async function sendConfig(control: Fd, init: InitConfig, poller: Poller): Promise<void> {
  try {
    await writeFully(control, encodeConfig(init), poller);
  } catch (error) {
    if (!failedWith(error, "EPIPE")) throw error;
  }
}

/**
 * Lets a child that waits for `work` go on. If the child has ended, its own message says why.
 *
 * @throws {SyscallError}
 */
export function attend(control: Fd, work: string | undefined): void {
  if (work === undefined) return;
  letGoOn(control);
}
