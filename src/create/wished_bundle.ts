/**
 * The built-in default with a caller's wishes: its config, and the files of its root.
 *
 * @module
 */

import { reaperImage } from "../../ffi/program/reaper_image.ts";
import { throwFaults } from "../config/fields/faults.ts";
import { childPointer, Report } from "../config/fields/field.ts";
import type { ProcessConfig, User } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { resolveUserIn } from "../wishes/user.ts";
import { type BuiltinBundle, builtinConfig, type BuiltinOptions } from "./builtin_bundle.ts";
import { FileTree } from "./builtin_tree.ts";
import { requireWishes } from "./check_wishes.ts";
import type { DefaultWishes } from "./default_wishes.ts";
import { certificateFolder, timezoneFiles } from "./host_texts.ts";
import { wishedConfig } from "./wished_config.ts";
import { WishedMounts } from "./wished_mounts.ts";

/** The size of a writable root without a wish. */
const ROOT_BYTES = 64 * 2 ** 20;

/** The built-in container as wished. */
export interface WishedBundle extends BuiltinBundle {
  /** How many bytes its root may hold, where it is writable. */
  readonly rootBytes: number | undefined;
  /** The first process inside, whose child the program is. */
  readonly reaper: string | undefined;
}

/**
 * The built-in container as wished.
 *
 * @throws {ContainerError} `ConfigInvalid` with all faults, whose pointers begin at the wishes
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { wishedBundle } from "./wished_bundle.ts";
 *
 * const host = { topLevel: [], etc: [] };
 * const { config, files } = wishedBundle({ id: "web", args: [], host }, {
 *   env: { LANG: "C" },
 *   files: { "/srv/index.html": "hello" },
 * });
 * assert(config.process?.env?.includes("LANG=C"));
 * assert(files.some(({ path }) => path === "/srv/index.html"));
 * ```
 */
export function wishedBundle(options: BuiltinOptions, wishes: DefaultWishes): WishedBundle {
  requireWishes(wishes);
  const report = new Report();
  const { host } = options;
  const named = { ...options, id: wishes.hostname ?? options.id };
  const onlyLinks = host.topLevel.filter(({ kind }) => kind === "symlink");
  const base = builtinConfig({
    ...named,
    args: wishes.args ?? options.args,
    host: wishes.hostPaths === undefined ? host : { topLevel: onlyLinks, etc: [] },
  });
  const tree = new FileTree();
  for (const file of base.files) tree.add(file);
  const mounts = new WishedMounts(base.config.mounts ?? [], tree, report);
  if (wishes.hostPaths !== undefined) mounts.showHostPaths(wishes.hostPaths);
  if (wishes.caCertificates === true) mounts.show(certificateFolder(report));
  for (const file of timezoneFiles(wishes.timezone, report)) tree.add(file);
  mounts.addWished(wishes.mounts ?? []);
  for (const [path, file] of Object.entries(wishes.files ?? {})) {
    const { content, mode = 0o644 } = typeof file === "string" || file instanceof Uint8Array
      ? { content: file }
      : file;
    mounts.placeFile({ path, kind: "file", mode, content }, childPointer("/files", path));
  }
  if (wishes.init === true) placeReaper(tree, report);
  const user = userOf(wishes.user, tree, report);
  throwFaults(report, "the wishes");
  const { writableRoot = false } = wishes;
  const process = withUser(base.config.process ?? { cwd: "/" }, user);
  const own = { ...base.config, process, mounts: mounts.all };
  return {
    config: wishedConfig(own, { ...wishes, mounts: [], writableRoot }),
    files: tree.files,
    rootBytes: writableRoot === false
      ? undefined
      : writableRoot === true
      ? ROOT_BYTES
      : writableRoot.sizeBytes,
    reaper: wishes.init === true ? REAPER : undefined,
  };
}

const REAPER = "/init";

function placeReaper(tree: FileTree, report: Report): void {
  if (tree.at(REAPER) !== undefined) report.fault("/init", `has its place at ${REAPER}, as a wish`);
  tree.add({ path: REAPER, kind: "file", mode: 0o755, content: reaperImage() });
}

/** Without HOME a start takes the user's own from /etc/passwd. */
function withUser(process: ProcessConfig, user: User | undefined): ProcessConfig {
  if (user === undefined) return process;
  return { ...process, env: process.env?.filter((entry) => !entry.startsWith("HOME=")), user };
}

/** The wished user's ids. A number that /etc/passwd does not name gets a line there, as in Podman. */
function userOf(
  wished: User | string | undefined,
  tree: FileTree,
  report: Report,
): User | undefined {
  if (wished === undefined) return undefined;
  const lines = (path: string) => textAt(tree, path).split("\n").map((line) => line.split(":"));
  try {
    const user = typeof wished === "string"
      ? resolveUserIn((path) => lines(path).values(), wished)
      : wished;
    const { uid = 0, gid = 0 } = user;
    const passwd = tree.at(PASSWD);
    if (!lines(PASSWD).some(({ 2: id }) => id === String(uid)) && passwd?.kind === "file") {
      const line = `${uid}:x:${uid}:${gid}::/:/bin/sh\n`;
      tree.add({ ...passwd, content: textAt(tree, PASSWD).replace(/\n?$/, `\n${line}`) });
    }
    return user;
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    report.fault("/user", error.summary);
    return undefined;
  }
}

const PASSWD = "/etc/passwd";

function textAt(tree: FileTree, path: string): string {
  const file = tree.at(path);
  if (file?.kind !== "file") return "";
  return typeof file.content === "string" ? file.content : new TextDecoder().decode(file.content);
}
