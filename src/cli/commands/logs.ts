/** `hull logs`. @module */

import { comesWithin } from "../../../ffi/waiting/abort.ts";
import type { Container } from "../../container.ts";
import { visible } from "../../failures/visible.ts";
import { type Caller, NotHere, type Sink } from "../caller/caller.ts";
import { type Command, type GivenFlags, isOn, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import { FollowedFile } from "../output/followed_file.ts";
import { writeAll } from "../output/output.ts";

/** How soon new output is seen. */
const LOOK_MS = 100;

/** Prints what a container's program has printed. */
export const command: Command = {
  synopsis: "<id>",
  description: "Prints what a container's program has printed, if that goes to a file: that of\n" +
    "hull run --log-output, or of an ExecDriver's pipes. With --follow it goes on until the container\n" +
    "ends; a file that is truncated is read anew, and one that takes the place of the old one follows\n" +
    "it. On a terminal, characters that would act on it are escaped.",
  flags: [
    { name: "follow", letter: "f", summary: "go on until the container ends" },
    { name: "tail", letter: "n", value: "N", summary: "begin with the last N lines; default: all" },
    { name: "raw", summary: "escape nothing, on a terminal either" },
  ],
  arity: [1, 1],
  onlyLooks: true,
  async run({ flags, args, factory, caller }) {
    if (caller.isOther) throw new NotHere(); // others would wait while a long file is read
    const container = (await factory()).load(args[0] as string);
    const lines = linesOf(flags);
    using files = new DisposableStack();
    const outputs = outputsOf(container, caller).map(({ path, sink }) => {
      const file = files.use(new FollowedFile(path));
      if (lines !== undefined) file.seekLines(lines);
      return { file, print: printer(sink, isOn(flags, "raw")) };
    });
    const printMore = () =>
      outputs.every(({ file, print }) => file.more().every((bytes) => print(bytes)));
    if (isOn(flags, "follow")) await follow(container, printMore);
    else printMore();
    return 0;
  },
};

function linesOf(flags: GivenFlags): number | undefined {
  const given = text(flags, "tail");
  if (given === undefined || given === "all") return undefined;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw usageError(`--tail takes a number of lines, not ${JSON.stringify(given)}`, "such as -n 20");
}

interface OutputFile {
  readonly path: string;
  readonly sink: Sink;
}

function outputsOf(container: Container, { stdout, stderr }: Caller): OutputFile[] {
  const { outputFiles = {} } = container.state();
  const { stdout: out, stderr: err } = outputFiles;
  const both = [{ path: out, sink: stdout }, { path: err === out ? undefined : err, sink: stderr }];
  const found = both.filter((each): each is OutputFile => each.path !== undefined);
  if (found.length > 0) return found;
  throw usageError(
    `the output of container ${container.id} goes to no file`,
    "make it with --log-output FILE, and it is kept there",
  );
}

/** Prints bytes as they are; on a terminal what would act on it is escaped. */
function printer(sink: Sink, isRaw: boolean): (bytes: Uint8Array<ArrayBuffer>) => boolean {
  if (isRaw || !sink.isTerminal()) return (bytes) => writeAll(sink, bytes);
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  return (bytes) => {
    // a carriage return before a newline does no harm
    const told = visible(decoder.decode(bytes, { stream: true }).replaceAll("\r\n", "\n"));
    return writeAll(sink, encoder.encode(told));
  };
}

/** Prints until the container ends, or nobody reads it any more. */
async function follow(container: Container, printMore: () => boolean): Promise<void> {
  const end = container.wait();
  while (printMore()) {
    if (!await comesWithin(end, LOOK_MS)) continue;
    printMore(); // what it wrote last
    return;
  }
}
