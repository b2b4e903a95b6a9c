/** `hull start`. @module */

import { Poller } from "../../../ffi/waiting/poll.ts";
import type { Container } from "../../container.ts";
import { late } from "../../own/late.ts";
import { whileItBegins } from "../caller/caller.ts";
import type { Command } from "../flags/command.ts";
import { oneLine, type Output } from "../output/output.ts";
import { requireNoStartHooks } from "../process/start_hooks.ts";
import { releaseOnce } from "../process/release_once.ts";

const awaitLeftHooks = late(() => import("../process/left_child.ts"), "awaitLeftHooks");

/** Lets a created container's process run. */
export const command: Command = {
  synopsis: "<id>",
  description: "Starts the user's program in a created container.",
  flags: [],
  arity: [1, 1],
  beginsLate: true,
  async run({ args, factory, output, caller }) {
    const container = await whileItBegins(
      caller,
      async () => {
        const loaded = (await factory()).load(args[0] as string);
        requireNoStartHooks(loaded.config, caller);
        return loaded;
      },
    );
    const host = caller.variable("NOTIFY_SOCKET") ?? "";
    await caller.tellStage("begun");
    if (caller.left !== undefined) await awaitLeftHooks(caller, new Poller());
    if (host === "") await releaseOnce(container, caller);
    else await startNotified(container, host, output);
    return 0;
  },
};

/** Starts the container, and waits until the program has said that it is ready, or has ended. */
async function startNotified(container: Container, host: string, output: Output): Promise<void> {
  const { hasNotifyFolder, NotifySocket } = await import("../process/notify_socket.ts");
  const { pid } = container.ociState();
  if (!hasNotifyFolder(container.folder) || container.status() !== "created") {
    return await container.release();
  }
  using socket = new NotifySocket(container.folder, host, new Poller());
  await container.release();
  try {
    await socket.forward(pid, container.wait());
  } catch (error) {
    output.warn(oneLine(error));
  }
}
