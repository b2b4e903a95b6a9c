/** `hull spec`. @module */

import { detectCgroups } from "../../cgroups/detect.ts";
import { defaultSpec, rootlessSpec } from "../../create/builtin_spec.ts";
import { ContainerError } from "../../errors.ts";
import { type Command, type GivenFlags, isOn, text } from "../flags/command.ts";
import { reason } from "../../failures/reason.ts";

/** Writes a config.json to start from. */
export const command: Command = {
  synopsis: "",
  description:
    "Writes a config.json to start from into the bundle's folder: a shell in a rootfs in the\n" +
    "folder rootfs.",
  flags: [
    {
      name: "bundle",
      letter: "b",
      value: "DIR",
      summary: "the bundle's folder; default: this one",
    },
    {
      name: "file",
      letter: "f",
      value: "FILE",
      summary: "the file to write, in place of config.json",
    },
    { name: "rootless", summary: "a config for a user without root's rights" },
    { name: "builtin", summary: "print the config of the built-in default of hull run" },
  ],
  arity: [0, 0],
  async run({ flags, output, caller }) {
    if (isOn(flags, "builtin")) {
      const { builtinConfig, hostFacts } = await import("../../create/builtin_bundle.ts");
      const { config } = builtinConfig({ id: "hull", args: [], host: hostFacts() });
      output.print(format(config));
    } else {
      const file = text(flags, "file") ?? "config.json";
      const path = file.startsWith("/")
        ? file
        : `${caller.path(text(flags, "bundle") ?? ".")}/${file}`;
      write(path, format(makeSpec(flags)));
    }
    return 0;
  },
};

function makeSpec(flags: GivenFlags): unknown {
  const options = { cgroup2: detectCgroups().version === 2 };
  if (!isOn(flags, "rootless")) return defaultSpec(options);
  return rootlessSpec(Deno.uid() ?? 0, Deno.gid() ?? 0, options);
}

function format(config: unknown): string {
  return JSON.stringify(config, undefined, "\t") + "\n";
}

function write(path: string, json: string): void {
  try {
    Deno.writeTextFileSync(path, json, { createNew: true, mode: 0o666 });
  } catch (cause) {
    const exists = cause instanceof Deno.errors.AlreadyExists;
    throw new ContainerError("SystemError", `cannot write ${path}: ${reason(cause)}`, {
      path,
      cause,
      hint: exists ? "remove it first, or write elsewhere with --bundle" : undefined,
    });
  }
}
