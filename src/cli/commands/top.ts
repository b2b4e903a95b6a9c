/** `hull top`. @module */

import { NotHere } from "../caller/caller.ts";
import { type Command, type Invocation, isOn, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import { parseDuration, parseInteger } from "../flags/quantities.ts";
import type { Look } from "../top/draw.ts";
import { type Order, SORT_KEYS, SORT_NAMES, type SortName } from "../top/order.ts";

/** Shows what all containers use, live. */
export const command: Command = {
  synopsis: "",
  description:
    "Shows what the containers under --root use, live: CPU, memory and its limit, processes, I/O,\n" +
    "network, pressure. The key h shows the keys. Where stdout is no terminal, each container is a\n" +
    "line at every interval.",
  flags: [
    { name: "interval", value: "DURATION", summary: "time between two rounds (default 1s)" },
    { name: "iterations", letter: "n", value: "COUNT", summary: "end after so many rounds" },
    {
      name: "sort",
      value: "COLUMN",
      choices: SORT_NAMES,
      summary: `${SORT_NAMES.join(", ")} (default cpu)`,
    },
    { name: "reverse", letter: "r", summary: "the other way round" },
    { name: "filter", value: "TEXT", summary: "only those whose name, status or command has it" },
    { name: "json", summary: "print an object of JSON for each round" },
  ],
  arity: [0, 0],
  onlyLooks: true,
  async run({ flags, factory, output, caller }) {
    const intervalMs = parseDuration("interval", text(flags, "interval") ?? "1s");
    const count = text(flags, "iterations");
    const iterations = count === undefined ? Infinity : parseInteger("iterations", count, 1);
    const order = orderOf(flags);
    const isJson = isOn(flags, "json");
    if (caller.isOther) throw new NotHere("a table for hours");
    const made = await factory();
    const { Watch } = await import("../top/watch.ts");
    using watch = new Watch(made);
    const isLive = !isJson && caller.stdin.isTerminal() && caller.stdout.isTerminal() &&
      !/^(|dumb)$/.test(caller.variable("TERM") ?? "");
    if (isLive) {
      const { live } = await import("../top/live.ts");
      const look = lookOf(caller);
      return await live({ watch, root: made.root, intervalMs, iterations, order, look });
    }
    const { printRounds } = await import("../top/lines.ts");
    const print = (lines: string) => output.print(lines);
    await printRounds({ watch, intervalMs, iterations, order, isJson, print });
    return 0;
  },
};

function orderOf(flags: Invocation["flags"]): Order {
  const named = text(flags, "sort") ?? "cpu";
  if (!isSortName(named)) {
    throw usageError(
      `--sort ${JSON.stringify(named)} is no column`,
      `use ${SORT_NAMES.join(", ")}`,
    );
  }
  return { sort: named, isReversed: isOn(flags, "reverse"), filter: text(flags, "filter") ?? "" };
}

function isSortName(name: string): name is SortName {
  return Object.hasOwn(SORT_KEYS, name);
}

/** What the terminal can show, as locale(7) and no-color.org have it. */
function lookOf({ variable }: Invocation["caller"]): Look {
  const locale = variable("LC_ALL") || variable("LC_CTYPE") || variable("LANG") || "";
  return {
    charset: /utf-?8/i.test(locale) ? "unicode" : "ascii",
    hasColours: (variable("NO_COLOR") ?? "") === "",
  };
}
