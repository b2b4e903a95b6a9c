/** `hull resident`. @module */

import { Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import { buildName } from "../../own/own_modules.ts";
import { type Command, pathOf, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import { parseDuration } from "../flags/quantities.ts";
import { clientImage } from "../resident/client_program.ts";
import { listenAt, listenAtPassed, SOCKET } from "../resident/listening.ts";
import { ask } from "../resident/questions.ts";
import { Resident, type ResidentOptions } from "../resident/resident.ts";

/** Serves other callers' commands. */
export const command: Command = {
  synopsis: "[status|stop|client]",
  description:
    "Does the commands of all callers whose hull is the client that scripts/install --resident puts\n" +
    "on the PATH: they start no runtime then. It is told by a socket that is root's alone, keeps\n" +
    "nothing but what is in the root folder, and may be killed at any moment: without it a client\n" +
    "starts hull itself. With status or stop it asks the one that runs; with client it writes a client.",
  flags: [
    {
      name: "socket",
      value: "SOCKET",
      summary: "where it listens; default: /run/hull/~resident.sock",
    },
    { name: "idle", value: "TIME", summary: "end after TIME without a command, such as 10m" },
    { name: "launcher", value: "FILE", summary: "what a client becomes that nobody serves" },
    { name: "output", value: "FILE", summary: "where the client is written" },
  ],
  arity: [0, 1],
  async run(invocation) {
    const { flags, args: [word], output } = invocation;
    const socket = pathOf(invocation, "socket") ?? SOCKET;
    switch (word) {
      case undefined: {
        const idle = text(flags, "idle");
        const time = idle === undefined ? undefined : parseDuration("idle", idle);
        const { main, program } = invocation;
        await serve(socket, { build: buildName(), idle: time, flags: program.flags, main });
        return 0;
      }
      case "status":
      case "stop": {
        const status = await ask(socket, word, new Poller());
        if (status === undefined) throw nobody(socket);
        if (word === "status") output.printJson(status);
        return 0;
      }
      case "client": {
        const launcher = pathOf(invocation, "launcher");
        const file = pathOf(invocation, "output");
        if (launcher === undefined || file === undefined) {
          throw usageError("a client needs --launcher and --output", "name both by absolute paths");
        }
        writeClient(file, launcher, socket);
        return 0;
      }
      default:
        throw usageError(`hull resident ${word} means nothing`, "use status, stop or client");
    }
  },
};

async function serve(path: string, options: ResidentOptions): Promise<void> {
  const resident = new Resident(options);
  // Before there is a socket, which would be left by a signal.
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(name, () => resident.end());
  }
  await resident.serve(listenAtPassed() ?? listenAt(path));
}

function writeClient(file: string, launcher: string, socket: string): void {
  const { bytes } = clientImage({ socket, launcher, build: buildName() });
  Deno.writeFileSync(file, bytes, { mode: 0o755 });
}

function nobody(path: string): ContainerError {
  return new ContainerError("SystemError", `no resident hull listens at ${path}`, {
    path,
    hint: "hull resident starts one",
  });
}
