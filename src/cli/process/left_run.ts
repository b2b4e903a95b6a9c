/**
 * A run in the foreground whose resident was killed while its program ran, or after.
 *
 * @module
 */

import { Poller } from "../../../ffi/waiting/poll.ts";
import { Process } from "../../process.ts";
import { type Invocation, isOn } from "../flags/command.ts";
import { follow, type SignalForwarder } from "../foreground/foreground.ts";
import { releaseOnce } from "./release_once.ts";
import { awaitLeftHooks, takeLeftRun } from "./left_child.ts";

/** Goes on with it to its end; gives the exit code. */
export async function goOnWithRun(
  { flags, args, command, factory, output, caller }: Invocation,
  signals: SignalForwarder,
): Promise<number> {
  const [id = ""] = [...args, ...command ?? []]; // only a run with an id is done elsewhere
  const process = new Process({});
  const poller = new Poller();
  const container = takeLeftRun(caller, await factory(), id, process, poller);
  if (container !== undefined) await releaseOnce(container, caller);
  const following = { hasTerminal: false, isFirst: true, output, caller };
  const code = await follow(process, signals, following);
  await awaitLeftHooks(caller, poller);
  if (container !== undefined && !isOn(flags, "keep")) await container.destroy({ force: true });
  return code;
}
