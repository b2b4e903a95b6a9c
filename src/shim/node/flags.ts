/**
 * The words that containerd calls the shim with.
 *
 * Source: containerd's pkg/shim/shim.go; the flags are those of Go's package flag: `-name value`,
 * `-name=value`, with one dash or two.
 *
 * @module
 */

/** What was asked for. */
export interface ShimCall {
  readonly action: "start" | "delete" | "serve" | "version" | "info";
  readonly id: string;
  readonly namespace: string;
  /** The address of containerd. */
  readonly address: string;
  readonly bundle: string;
  readonly isDebug: boolean;
  /** hull's root folder, for `serve`. */
  readonly root: string;
}

const VALUES: ReadonlySet<string> = new Set([
  "namespace",
  "id",
  "socket",
  "bundle",
  "address",
  "publish-binary",
  "root",
]);

/**
 * Reads the words.
 *
 * @throws {TypeError} for a word that is not known
 */
export function readCall(words: readonly string[]): ShimCall {
  const given = new Map<string, string>();
  let action = "";
  for (let k = 0; k < words.length; k++) {
    const word = words[k] as string;
    const [, name, value] = /^--?([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) {
      action = word;
      break;
    }
    if (!VALUES.has(name)) given.set(name, value ?? "true");
    else given.set(name, value ?? words[++k] ?? "");
  }
  if (given.has("v")) action = "version";
  if (given.has("info")) action = "info";
  const text = (name: string) => given.get(name) ?? "";
  return {
    action: known(action),
    id: text("id"),
    namespace: text("namespace"),
    address: text("address"),
    bundle: text("bundle"),
    isDebug: given.get("debug") === "true",
    root: text("root"),
  };
}

function known(action: string): ShimCall["action"] {
  switch (action) {
    case "start":
    case "delete":
    case "serve":
    case "version":
    case "info":
      return action;
    default:
      throw new TypeError(`unknown action ${JSON.stringify(action)}: use start or delete`);
  }
}
