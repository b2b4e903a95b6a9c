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
import { isOrdinaryUser } from "../own/rights.ts";
import { caller } from "../rootless/user_config.ts";
import { accountLines } from "../security/account_file.ts";
import { resolveUser } from "../wishes/user.ts";
import { builtinConfig } from "./builtin_bundle.ts";
import { defaultMounts } from "./builtin_spec.ts";
import { dataMounts } from "./image_volumes.ts";

/** What is said beside the image. */
export interface ImageWishes {
  readonly hostname: string;
  /** In place of the image's own arguments. */
  readonly args: readonly string[];
  /** In place of the image's entrypoint, and of its arguments: a program, or a list in JSON. */
  readonly entrypoint: string | undefined;
  /** Whether it is in the network that hull is in. */
  readonly isHostNetwork: boolean;
  /** In place of the image's own: `USER[:GROUP]`. */
  readonly user: string | undefined;
  /** Whether its root is read-only, and only the places meant for data can be written to. */
  readonly isReadOnly: boolean;
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
  const user = wishes.user === undefined
    ? imagesUser(rootfs, config.user)
    : userOf(rootfs, wishes.user);
  const { stopSignal } = config;
  return {
    ...base,
    root: { path: rootfs, readonly: false },
    process: {
      ...base.process,
      args: argsOf(image, wishes),
      env: [...usual, `HOSTNAME=${hostname}`, ...config.env],
      cwd: config.workingDir ?? "/",
      user,
    },
    mounts: [...defaultMounts(), ...dataMounts(image, user, wishes.isReadOnly)],
    ...(stopSignal === undefined
      ? {}
      : { annotations: { "org.opencontainers.image.stopSignal": stopSignal } }),
  };
}

/**
 * The image's own user. Builders write one half of `USER:GROUP` alone, too, and engines take the
 * other half as not said. Of a flag that is refused, since there a variable may have been empty.
 *
 * @throws {ContainerError} `ConfigInvalid`, which tells whose user it is, and how to name another
 */
function imagesUser(rootfs: string, user: string | undefined): User {
  const [whole, name = "", group = ""] = /^([^:]*):([^:]*)$/.exec(user ?? "") ?? [];
  const asked = group === "" ? name : `${name === "" ? "0" : name}:${group}`;
  try {
    return userOf(rootfs, whole === undefined ? user : asked === "" ? undefined : asked);
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code !== "ConfigInvalid") throw error;
    throw new ContainerError("ConfigInvalid", `in the image, ${error.summary}`, {
      pointer: error.pointer,
      hint: "name another one by --user, such as 0 for root",
    });
  }
}

/**
 * The user with the groups that /etc/group has for its name, as in Podman. Who was named has its own
 * group among them: it must not leave one that may do less than others by taking another
 * (CVE-2022-36109). Beside a group that was named there are no others.
 */
function userOf(rootfs: string, named: string | undefined): User {
  const user = resolveUser(named ?? "0", rootfs) ?? {};
  // who can't have other ids mapped may not set groups either
  if (isOrdinaryUser() && caller().gids.lack !== undefined) return user;
  const { uid = 0, gid = 0 } = user;
  const own = named === undefined ? [] : [gid];
  const others = named?.includes(":") === true ? [] : groupsOf(rootfs, uid);
  return { ...user, additionalGids: [...new Set([...own, ...others])].slice(0, MOST_GROUPS) };
}

function groupsOf(rootfs: string, uid: number): readonly number[] {
  using root = open(rootfs, O_PATH | O_DIRECTORY);
  const name = accountLines(root, "/etc/passwd").find(({ 2: id }) => id === String(uid))?.[0];
  if (name === undefined || name === "") return [];
  return accountLines(root, "/etc/group")
    .filter(({ 2: id, 3: members = "" }) => ID.test(id ?? "") && members.split(",").includes(name))
    .map(({ 2: id }) => Number(id))
    .filter((id) => id <= MAX_ID).toArray();
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
