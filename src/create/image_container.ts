/**
 * The config of a container that runs an image: the built-in default's, with what the image says of
 * its program, and the image's files as its root.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import type { StoredImage } from "../images/store.ts";
import { resolveUser } from "../wishes/user.ts";
import { builtinConfig } from "./builtin_bundle.ts";
import { defaultMounts } from "./builtin_spec.ts";

/** What is said beside the image. */
export interface ImageWishes {
  readonly id: string;
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
  const base = builtinConfig({ id: wishes.id, args: [], host, network }).config;
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
      env: [...usual, ...config.env],
      cwd: config.workingDir ?? "/",
      user: resolveUser(config.user, rootfs) ?? { uid: 0, gid: 0 },
    },
    mounts: defaultMounts(),
    ...(stopSignal === undefined
      ? {}
      : { annotations: { "org.opencontainers.image.stopSignal": stopSignal } }),
  };
}

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
