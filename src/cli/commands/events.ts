/** `hull events`. @module */

import { detectCgroups } from "../../cgroups/detect.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import type { ContainerEvent, EventOptions } from "../../events.ts";
import { type Command, isOn, text } from "../flags/command.ts";
import { parseDuration } from "../flags/quantities.ts";
import { eventLine } from "../output/stats_json.ts";

/** Prints a container's events. */
export const command: Command = {
  synopsis: "<id>",
  description:
    "Prints what a container uses, every five seconds, and each time that its memory runs out, as\n" +
    "lines of JSON in the form of runc events, until the container ends.",
  flags: [
    { name: "interval", value: "DURATION", summary: "time between two stats, such as 5s" },
    { name: "stats", summary: "print what it uses now, and end" },
  ],
  arity: [1, 1],
  async run({ flags, args, factory, output, caller }) {
    const intervalMs = parseDuration("interval", text(flags, "interval") ?? "5s");
    const container = (await factory()).load(args[0] as string);
    const { id } = container;
    const status = container.status();
    if (status === "stopped" || status === "creating") {
      throw new ContainerError("ContainerNotRunning", `container with id ${id} is not running`);
    }
    const { version } = detectCgroups();
    const print = (event: ContainerEvent) =>
      output.print(eventLine(event, version, container.state().cgroupPaths.cpuset));
    if (isOn(flags, "stats")) print({ type: "stats", id, data: container.stats() });
    else await follow(container, { intervalMs, signal: caller.gone }, print);
    return 0;
  },
};

/** Prints events until the reader of the output has gone. */
async function follow(
  container: Container,
  options: EventOptions,
  print: (event: ContainerEvent) => boolean,
): Promise<void> {
  for await (const event of container.events(options)) if (!print(event)) return;
}
