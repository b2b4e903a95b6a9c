/**
 * The config of a container that runs an image: the built-in default's, with what the image says of
 * its program, and the image's files as its root.
 *
 * @module
 */

import { O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import type { Config, User } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import type { StoredImage } from "../images/store.ts";
import { accountLines } from "../security/account_file.ts";
import { resolveUser } from "../wishes/user.ts";
import { builtinConfig } from "./builtin_bundle.ts";
import { defaultMounts } from "./builtin_spec.ts";

/** What is said beside the image. */
export interface ImageWishes {
  readonly hostname: string;
  /** In place of the image's own arguments. */
  readonly args: readonly string[];
  /** In place of the image's entrypoint, and of its arguments: a program, or a list in JSON. */
  readonly entrypoint: string | undefined;
  /** Whether it is in the network that hull is in. */
  readonly isHostNetwork: boolean;
}

/**
 * The config of a container that runs an image. Its root is the image's folder, so an overlay must
 * lie over it.
 *
 * @throws {ContainerError} `ConfigInvalid` without a program, or for a user that the image has not
 */
export function imageContainerConfig(image: StoredImage, wishes: ImageWishes): Config {
  const { config, rootfs } = image;
  const host = { topLevel: [], etc: [] };
  const network = { isHost: wishes.isHostNetwork };
  const { hostname } = wishes;
  const base = builtinConfig({ id: hostname, args: [], host, network }).config;
  const names = new Set(config.env.map((entry) => entry.slice(0, entry.indexOf("="))));
  const usual = (base.process?.env ?? []).filter((entry) =>
    !entry.startsWith("HOME=") && !names.has(entry.slice(0, entry.indexOf("=")))
  );
  const { stopSignal } = config;
  return {
    ...base,
    root: { path: rootfs, readonly: false },
    process: {
      ...base.process,
      args: argsOf(image, wishes),
      env: [...usual, `HOSTNAME=${hostname}`, ...config.env],
      cwd: config.workingDir ?? "/",
      user: userOf(image),
    },
    mounts: defaultMounts(),
    ...(stopSignal === undefined
      ? {}
      : { annotations: { "org.opencontainers.image.stopSignal": stopSignal } }),
  };
}

/** The image's user with the groups that its /etc/group has for that name, as in Docker. */
function userOf({ config, rootfs }: StoredImage): User {
  const user = resolveUser(config.user ?? "0", rootfs) ?? {};
  const { uid = 0, gid = 0 } = user;
  if (config.user?.includes(":") === true) return user;
  using root = open(rootfs, O_PATH | O_DIRECTORY);
  const name = accountLines(root, "/etc/passwd").find(({ 2: id }) => id === String(uid))?.[0];
  if (name === undefined || name === "") return user;
  const additionalGids = accountLines(root, "/etc/group")
    .filter(({ 2: id, 3: members = "" }) => ID.test(id ?? "") && members.split(",").includes(name))
    .map(({ 2: id }) => Number(id)).toArray();
  const others = [...new Set(additionalGids)].filter((id) => id !== gid && id <= MAX_ID);
  return others.length === 0 ? user : { ...user, additionalGids: others.slice(0, MOST_GROUPS) };
}

const ID = /^\d+$/;
const MAX_ID = 0xffff_fffe;
/** As many as the kernel takes: NGROUPS_MAX. */
const MOST_GROUPS = 65_536;

function argsOf(
  { config }: StoredImage,
  { args, entrypoint }: ImageWishes,
): readonly string[] {
  const first = entrypoint === undefined
    ? config.entrypoint ?? []
    : entrypoint.startsWith("[")
    ? wordsOf(entrypoint)
    : [entrypoint];
  const rest = args.length > 0 || entrypoint !== undefined ? args : config.cmd ?? [];
  const all = [...first, ...rest];
  if (all.length > 0) return all;
  throw new ContainerError("ConfigInvalid", "the image does not say which program to run", {
    pointer: "/process/args",
    hint: "name one: hull run --image IMAGE ID -- COMMAND",
  });
}

/** As in Podman, an entrypoint may be a list in JSON. */
function wordsOf(entrypoint: string): readonly string[] {
  try {
    const words: unknown = JSON.parse(entrypoint);
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  } catch {
    // said below
  }
  throw new ContainerError("ConfigInvalid", "--entrypoint is no list of words in JSON", {
    hint: 'write a program\'s path, or a list such as ["sh", "-c"]',
  });
}
