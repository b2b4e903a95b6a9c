/** `hull run`. @module */

import type { Container } from "../../container.ts";
import type { NotifySocket } from "../process/notify_socket.ts";
import type { Process } from "../../process.ts";
import { loadHooks } from "../../container/late.ts";
import { late } from "../../own/late.ts";
import { traced } from "../../trace/traced.ts";
import { undone } from "../../failures/undo.ts";
import { BIRTH_FLAGS, createFromFlags } from "../process/birth_flags.ts";
import { NotHere } from "../caller/caller.ts";
import { choice, type Command, type Invocation, isOn, text } from "../flags/command.ts";
import { END_FLAGS, WISH_FLAGS } from "../flags/wish_flags.ts";
import { IMAGE_FLAGS } from "../flags/image_flags.ts";
import { releaseOnce } from "../process/release_once.ts";
import { follow, SignalForwarder } from "../foreground/foreground.ts";
import { usageError } from "../flags/options.ts";
import { oneLine, type Output } from "../output/output.ts";

const loadDeadline = () => import("../process/deadline.ts");
const goOnWithRun = late(() => import("../process/left_run.ts"), "goOnWithRun");

/** Creates and starts a container, and acts as its program towards the caller. */
export const command: Command = {
  synopsis: "[id] [-- command…]",
  description:
    "Creates a container, runs its program, and removes the container at its end. hull's exit code is\n" +
    "the program's, 128+n after signal n; signals go to the program. Without a bundle and without\n" +
    "a config.json here, the built-in default is used: the host's /usr read-only, all else private.\n" +
    "Its id may be left out; with --detach the new one is printed, and what the program prints is\n" +
    "lost. hull's own failures end with 125 then, with 126 if the program can't be executed, 127 if\n" +
    "it is not there.",
  flags: [
    ...BIRTH_FLAGS,
    ...WISH_FLAGS,
    ...IMAGE_FLAGS,
    ...END_FLAGS,
    {
      name: "detach",
      letter: "d",
      summary: "return once the program runs; it keeps stdin, stdout, stderr",
    },
    { name: "keep", summary: "keep the container after its program has ended" },
    { name: "no-subreaper", summary: "leave the container's orphans to another process" },
  ],
  arity: [0, 1],
  isNew: true,
  beginsLate: true,
  takesCommand: true,
  failureCode: async (error, words, caller) =>
    (await import("../process/run_failure.ts")).codeOfRun(error, words, caller),
  async run(invocation) {
    const { flags, output, trace, caller } = invocation;
    const isDetached = isOn(flags, "detach");
    if (isOn(flags, "supervise") && !isDetached) {
      throw usageError(
        "--supervise is for a run that does not wait",
        "add --detach, or leave it out",
      );
    }
    const seconds = await timeoutOf(invocation);
    const reaps = !isDetached && !isOn(flags, "no-subreaper");
    using reaper = reaps ? await caller.reapOrphans() : undefined;
    const signals = new SignalForwarder();
    const heed = () => signals.listen(caller);
    // Nothing keeps another's command waiting; and its signals are best taken from the beginning.
    const heedsNow = !isDetached && (caller.isOther || caller.left !== undefined);
    if (heedsNow) await heed();
    if (caller.left === "runs") return await goOnWithRun(invocation, signals);
    const { container, process, hasTerminal, isIdMade, notify } = await createFromFlags(
      invocation,
      isDetached,
      true,
      isDetached || heedsNow ? undefined : heed,
    );
    try {
      // Once the program runs, hull's files may go.
      if (!isDetached && container.config.hooks !== undefined) await loadHooks();
      if (!isDetached) await caller.tellStage("runs");
      else if (seconds !== undefined) (await loadDeadline()).killLater(container, process, seconds);
      await releaseOnce(container, caller);
    } catch (error) {
      // a failed hook has removed it already
      throw await undone(error, () => container[Symbol.asyncDispose]());
    }
    const watched = isDetached ? process.pid : caller.identity.pid;
    const forwarded = forwardReadiness(notify, watched, process, output);
    if (isDetached) {
      await forwarded;
      if (isIdMade) output.print(`${container.id}\n`);
      return 0;
    }
    using _deadline = seconds === undefined
      ? undefined
      : (await loadDeadline()).killAfter(container, seconds, output);
    reaper?.begin(process.pid);
    const code = await traced(
      trace?.trace.main,
      "wait for the program",
      () => follow(process, signals, { hasTerminal, isFirst: true, output, caller }),
    );
    reaper?.[Symbol.dispose](); // hooks come
    await forwarded;
    // Waiting also records the exit code, for callers that wait elsewhere.
    if ((await container.wait())?.oomKilled === true) output.warn(outOfMemory(container));
    // The program may have ended because another program deleted the container.
    if (!isOn(flags, "keep") && choice(flags, "rm") !== false) {
      await container[Symbol.asyncDispose]();
    }
    return code;
  },
};

/** The seconds after which the container is killed. */
async function timeoutOf({ flags, caller }: Invocation): Promise<number | undefined> {
  const written = text(flags, "timeout");
  if (written === undefined) return undefined;
  if (caller.isOther) throw new NotHere("a clock");
  return (await loadDeadline()).parseTimeout(written);
}

function outOfMemory({ config }: Container): string {
  const limit = config.linux?.resources?.memory?.limit;
  const bound = limit === undefined ? "" : ` at its limit of ${limit} bytes`;
  return `the container ran out of memory${bound}: the kernel killed its program`;
}

/**
 * Tells hull's caller that the program is ready, if both use sd_notify. A failure is only a
 * warning.
 */
async function forwardReadiness(
  notify: NotifySocket | undefined,
  mainPid: number,
  process: Process,
  output: Output,
): Promise<void> {
  if (notify === undefined) return;
  using socket = notify;
  try {
    await socket.forward(mainPid, process.wait());
  } catch (error) {
    output.warn(oneLine(error));
  }
}
