/**
 * How this program is started again as init.
 *
 * @module
 */

import { codeOfInit, runInit } from "../own/own_modules.ts";
import { INIT_VARIABLE, STANDARD_INIT } from "../../init/init_variable.ts";

/** The command and environment of a re-executed init. */
export interface InitCommand {
  /** The program's file on the host, and its arguments from argv[0] on. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/** The variables that Deno needs to find its cache and libraries. */
const KEPT_VARIABLES = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH"];

/**
 * The command of init: under `deno run` Deno with init's module, in a compiled binary the binary
 * itself, or what the Factory was given.
 *
 * @param given the Factory's option
 * @param fds the numbers of the status and control fds in init
 */
export function initCommand(
  given: readonly string[] | undefined,
  fds: { readonly status: number; readonly control: number },
): InitCommand {
  const env = [
    `${INIT_VARIABLE}=${STANDARD_INIT}:${fds.status}:${fds.control}`,
    "DENO_NO_UPDATE_CHECK=1",
    "DENO_DISABLE_NODE_SHIM=1",
    "NO_COLOR=1",
    ...KEPT_VARIABLES.flatMap((name) => {
      const value = Deno.env.get(name);
      if (value === undefined) return [];
      return [`${name}=${name === "DENO_DIR" ? codeOfInit(value) : value}`];
    }),
  ];
  if (given?.[0] !== undefined) return { path: given[0], args: given, env };
  const path = Deno.execPath();
  if (Deno.build.standalone) return { path, args: [path], env };
  return { path, args: [path, ...runInit()], env };
}
