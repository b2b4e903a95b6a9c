/**
 * What containerd's users can say of a runtime: the options that runc's shim takes. What calls for
 * Kubernetes are answered by has them in its config; it passes them to other shims than runc's as the
 * text that they are there, or as the name of a file.
 *
 * Source: containerd's api/types/runc/options/oci.proto and api/types/runtimeoptions/v1/api.proto.
 *
 * @module
 */

import { decode, type MessageOf, table } from "../../protobuf/message.ts";
import type { ANY } from "./common.ts";

/** The name of the message's kind. */
export const OPTIONS_TYPE = "containerd.runc.v1.Options";

/** The message. */
export const OPTIONS = table({
  noPivotRoot: [1, "bool"],
  noNewKeyring: [2, "bool"],
  shimCgroup: [3, "string"],
  ioUid: [4, "uint32"],
  ioGid: [5, "uint32"],
  binaryName: [6, "string"],
  root: [7, "string"],
  criuPath: [8, "string"],
  systemdCgroup: [9, "bool"],
});

/** The end of the name of the other kind; that of containerd 1.6 begins with `cri.`. */
const TEXT_TYPE = "runtimeoptions.v1.Options";
/** Options as a text in TOML. */
export const TEXT_OPTIONS = table({ path: [2, "string"], text: [3, "bytes"] });

/** What was said. */
export type RuntimeOptions = MessageOf<typeof OPTIONS>;

/** What is said if nothing is. */
export const NO_OPTIONS: RuntimeOptions = decode(OPTIONS, new Uint8Array(0));

/** Options, and what of them is not heeded. */
export interface ReadOptions {
  readonly options: RuntimeOptions;
  readonly warnings: readonly string[];
}

/**
 * Reads the options; those of another kind are ignored, as those of a runtime that this is not.
 *
 * @throws {ProtobufError}
 * @throws {Error} if a file that is named can't be read
 */
export function readOptions(any: MessageOf<typeof ANY> | undefined): ReadOptions {
  if (any === undefined || any.value.length === 0) return { options: NO_OPTIONS, warnings: [] };
  const kind = any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
  if (kind === OPTIONS_TYPE) return heeded({ options: decode(OPTIONS, any.value), warnings: [] });
  if (kind.endsWith(TEXT_TYPE)) {
    const { path, text } = decode(TEXT_OPTIONS, any.value);
    const said = path === "" ? new TextDecoder().decode(text) : Deno.readTextFileSync(path);
    return heeded(parseOptions(said));
  }
  return { options: NO_OPTIONS, warnings: [`options of the kind ${kind} are ignored`] };
}

/** With warnings for what has no meaning here. */
function heeded({ options, warnings }: ReadOptions): ReadOptions {
  const more = [
    ...(options.binaryName === "" ? [] : [`BinaryName is ignored: ${options.binaryName}`]),
    ...(options.criuPath === "" ? [] : ["CriuPath is ignored: there are no checkpoints"]),
  ];
  return { options, warnings: [...warnings, ...more] };
}

/** A line `Name = value`, with a comment behind it; a value has no further line. */
const LINE = new RegExp(
  String.raw`^\s*(?:"?(?<name>\w+)"?\s*=\s*(?<value>true|false|0|[1-9]\d*|` +
    String.raw`"(?:[^"\\\x00-\x1f]|\\["\\nt]|\\u[\da-fA-F]{4})*"|'[^']*')\s*)?(?:#.*)?$`,
);

/** Reads them from TOML: names and values, each in a line, before the first table. */
function parseOptions(text: string): ReadOptions {
  const warnings: string[] = [];
  const found: Record<string, unknown> = {};
  const [own = ""] = text.split(/^\s*\[/m);
  for (const line of own.split("\n")) {
    const { groups } = LINE.exec(line) ?? {};
    if (groups === undefined) warnings.push(`the option is not understood: ${line.trim()}`);
    const { name, value } = groups ?? {};
    if (name === undefined || value === undefined) continue;
    const key = name.charAt(0).toLowerCase() + name.slice(1);
    const parsed: unknown = value.startsWith("'") ? value.slice(1, -1) : JSON.parse(value);
    const known: unknown = NO_OPTIONS[key as keyof RuntimeOptions];
    if (typeof known === typeof parsed) found[key] = parsed;
    else if (!/^(typeUrl|configPath)$/.test(key)) {
      warnings.push(`the option is not understood: ${line.trim()}`);
    }
  }
  return { options: { ...NO_OPTIONS, ...found }, warnings };
}
