/**
 * The config that a process is started with: the container's, with the process's own wishes laid
 * over it.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import { validateConfig } from "../config/validate/validate.ts";
import { ContainerError, type Fault } from "../errors.ts";
import { type RootFile, RootFiles } from "../../init/operations/root_files.ts";
import type { ProcessOptions } from "../process.ts";
import { grantable, mergeProcess } from "./process_wishes.ts";
import { resolveUser, resolveUserIn } from "./user.ts";

/** A container's root before there is a process. */
export interface RootToLookAt {
  /** The root file system's folder on the host. */
  readonly rootfs: string;
  /** What the root will hold, if that is not what the folder holds. */
  readonly rootFiles?: readonly RootFile[] | undefined;
}

/**
 * The config to start with.
 *
 * @param root where the user's name is looked up
 * @param onWarning called for capabilities that can't be granted
 * @throws {ContainerError} `ConfigInvalid`
 */
export function configToStart(
  config: Config,
  root: RootToLookAt,
  options: ProcessOptions,
  onWarning: (warning: Fault) => void = () => {},
): Config {
  const user = userIn(options.user, root);
  const process = mergeProcess(config.process, options, user);
  if ((process.args ?? []).length > 0) {
    // The stored config was checked when the container was made.
    const valid = hasWishes(options) ? validateConfig({ ...config, process }) : config;
    return { ...valid, process: grantable(valid.process ?? process, valid.linux, onWarning) };
  }
  throw new ContainerError("ConfigInvalid", "there is no program to run", {
    faults: [{ pointer: "/process/args", message: "must hold at least the program" }],
  });
}

function userIn(
  user: ProcessOptions["user"],
  { rootfs, rootFiles }: RootToLookAt,
): ReturnType<typeof resolveUser> {
  if (rootFiles === undefined || typeof user !== "string") return resolveUser(user, rootfs);
  const files = new RootFiles(rootFiles);
  return resolveUserIn((path) => files.lines(path), user);
}

/** Whether the options change the config's process. */
function hasWishes(options: ProcessOptions): boolean {
  const { stdin: _0, stdout: _1, stderr: _2, preserveFds: _3, extraFiles: _4, ...others } = options;
  const { bareNewlines: _5, consoleSocket: _6, ...wishes } = others;
  return Object.values(wishes).some((wish) => wish !== undefined);
}
