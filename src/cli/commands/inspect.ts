/** `hull inspect`. @module */

import { type Command, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import { userName } from "../output/described.ts";

/** Prints all that is known of a container. */
export const command: Command = {
  synopsis: "<id>",
  description:
    "Prints all that is known of a container as JSON: its state, cgroups, network, namespaces,\n" +
    "mounts, processes, the files that its output goes to, and its config. With --field it prints\n" +
    "one value alone, such as network.ports, cgroups.paths or config.process.args.",
  flags: [{
    name: "field",
    value: "NAME",
    summary: "print only this, with dots between its parts",
  }],
  arity: [1, 1],
  onlyLooks: true,
  async run({ flags, args, factory, output }) {
    const { ownerUid, ...known } = await (await factory()).inspect(args[0] as string);
    const whole = { ...known, owner: userName(ownerUid) };
    const field = text(flags, "field");
    if (field === undefined) output.printJson(whole);
    else {
      const value = valueAt(whole, field);
      if (typeof value === "object") output.printJson(value);
      else output.print(`${value}\n`);
    }
    return 0;
  },
};

function valueAt(whole: object, path: string): unknown {
  let value: unknown = whole;
  for (const [k, name] of path.split(".").entries()) {
    const isObject = typeof value === "object" && value !== null;
    if (isObject && Object.hasOwn(value as object, name)) {
      value = (value as Record<string, unknown>)[name];
      continue;
    }
    const above = k === 0 ? "the container" : path.split(".").slice(0, k).join(".");
    const names = isObject ? Object.keys(value as object).join(", ") : "";
    throw usageError(
      `${above} has no ${JSON.stringify(name)}`,
      names === "" ? "leave --field out to see all" : `it has ${names}`,
    );
  }
  return value;
}
