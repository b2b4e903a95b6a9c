/** `hull plan`. @module */

import { formatPlan, listPlan } from "../../../init/listing/listing.ts";
import { Process } from "../../process.ts";
import { BIRTH_FLAGS, initKind } from "../process/birth_flags.ts";
import { BUNDLE_FLAGS, readBundle } from "../flags/bundle.ts";
import { type Command, isOn } from "../flags/command.ts";
import { networkOf } from "../flags/network_flags.ts";

const PLANNED = new Set([
  "init",
  "no-pivot",
  "no-new-keyring",
  "network",
  "networks-from-annotations",
]);

/** Shows what a start would do. */
export const command: Command = {
  synopsis: "[id] [-- command…]",
  description:
    "Prints the system calls that a start of the bundle makes, step by step, each with the field\n" +
    "of config.json that it comes from. Nothing is made. <name> is the result of an earlier call;\n" +
    "the numbers of the host's fds are examples.",
  flags: [
    ...BUNDLE_FLAGS,
    ...BIRTH_FLAGS.filter(({ name }) => PLANNED.has(name)),
    { name: "json", summary: "print it for programs" },
  ],
  arity: [0, 1],
  takesCommand: true,
  async run({ flags, args, command, factory, output, caller }) {
    const bundle = readBundle(flags, caller);
    const process = new Process(
      command === undefined || command.length === 0 ? {} : { args: command },
    );
    const plan = await (await factory()).plan(args[0] ?? "hull", process, {
      config: bundle?.config,
      bundle: bundle?.folder,
      network: await networkOf(flags),
      networksFromAnnotations: isOn(flags, "networks-from-annotations"),
      noPivot: isOn(flags, "no-pivot"),
      noNewKeyring: isOn(flags, "no-new-keyring"),
      init: initKind(flags),
      ...(isOn(flags, "init")
        ? bundle === undefined ? { wishes: { init: true } } : { withInit: true }
        : {}),
    });
    const items = listPlan([...plan.birth, ...plan.init]);
    if (isOn(flags, "json")) output.printJson(items);
    else output.print(formatPlan(items));
    return 0;
  },
};
