/**
 * The id maps of a new user namespace.
 *
 * Source: user_namespaces(7), newuidmap(1).
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import type { IdMapping, Linux } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { writeProcessFile } from "../security/procfs.ts";
import type { InstalledProgram } from "../own/installed_program.ts";
import { findMapTool, type MapTool } from "./map_tools.ts";

/**
 * Writes the maps of a child that waits for them. The kernel is asked first: who has the right may
 * write any map. Without it a single own id can be written, a group only once setgroups is denied;
 * more need newuidmap and newgidmap.
 *
 * @param pointer the object of config.json that holds the mappings
 *
 * @throws {ContainerError} `SystemError`, `Unsupported`
 */
export function writeIdMaps(
  pid: number,
  { uidMappings = [], gidMappings = [] }: Pick<Linux, "uidMappings" | "gidMappings">,
  pointer = "/linux",
): void {
  const uids = { pid, file: "uid_map", mappings: uidMappings, own: Deno.uid() } as const;
  const gids = { pid, file: "gid_map", mappings: gidMappings, own: Deno.gid() } as const;
  writeMap(uids, `${pointer}/uidMappings`);
  writeMap(gids, `${pointer}/gidMappings`);
}

/** One map that is to be written. */
interface Map {
  readonly pid: number;
  readonly file: "uid_map" | "gid_map";
  readonly mappings: readonly IdMapping[];
  /** This program's own id. */
  readonly own: number | null;
}

function writeMap(map: Map, pointer: string): void {
  const { pid, file, mappings, own } = map;
  if (mappings.length === 0) return;
  const lines = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`);
  const text = lines.join("\n") + "\n";
  const [first] = mappings;
  const isOwn = mappings.length === 1 && first?.size === 1 && first.hostID === own;
  const refusal = tryWrite(pid, file, text, pointer);
  if (refusal === undefined) return;
  if (!isOwn) {
    // To the root of a user namespace the tools give nothing: they are not that root's.
    if (Deno.uid() === 0) throw refusal;
    runMapTool(pid, file === "uid_map" ? "newuidmap" : "newgidmap", lines, pointer);
  } else if (file === "uid_map") throw refusal;
  else {
    const denied = tryWrite(pid, "setgroups", "deny", pointer) ??
      tryWrite(pid, file, text, pointer);
    if (denied !== undefined) throw denied;
  }
}

/** Writes a file of the process; gives the error where the right is missing. */
function tryWrite(
  pid: number,
  file: string,
  content: string,
  pointer: string,
): ContainerError | undefined {
  const path = `/proc/${pid}/${file}`;
  try {
    writeProcessFile(pid, file, content);
    return undefined;
  } catch (cause) {
    const error = mapError(`cannot write ${path}`, path, pointer, cause);
    if (failedWith(cause, "EPERM", "EACCES")) return error;
    throw error;
  }
}

/** Runs the tool with nothing of the caller's environment. */
function runMapTool(pid: number, tool: MapTool, lines: readonly string[], pointer: string): void {
  const found = findMapTool(tool);
  if (found === undefined) {
    throw new ContainerError(
      "Unsupported",
      `${tool}, which maps more than one's own id, is missing`,
      {
        step: "clone",
        pointer,
        hint: "install it (package uidmap or shadow-utils), or map a single id: your own",
      },
    );
  }
  const args = [String(pid), ...lines.flatMap((line) => line.split(" "))];
  let said = "";
  try {
    const { success, stderr } = new Deno.Command(found.path, {
      args,
      stdin: "null",
      stdout: "null",
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      cwd: "/",
    }).outputSync();
    said = new TextDecoder().decode(stderr).trim().replaceAll("\n", "; ");
    if (!success) throw new Error(said);
  } catch (cause) {
    const hint = hintFor(tool, found, said);
    throw mapError(`cannot map ids with ${tool}`, found.path, pointer, cause, hint);
  }
}

/**
 * Without its right the tool is refused by the kernel; with it, by the file of ranges. It works for
 * none but the group that /etc/passwd gives the user.
 */
function hintFor(tool: MapTool, { isSetuid }: InstalledProgram, said: string): string {
  const [, group, usual] = /\bgid:(\d+) pw_gid:(\d+)/.exec(said) ?? [];
  if (group !== usual) {
    return `${tool} works for the user's group of /etc/passwd alone, ${usual}, not for ${group}: ` +
      `leave newgrp or sg, or map a single id`;
  }
  const file = tool === "newuidmap" ? "/etc/subuid" : "/etc/subgid";
  const rights = isSetuid
    ? "no_new_privs or a nosuid mount may keep it from working"
    : `it has no setuid bit, so it needs file capabilities: chmod u+s, or reinstall it`;
  return `the ranges must be your own ids or lie in what ${file} gives you; ${rights}`;
}

const OVERLAP =
  "the ranges must not overlap, and lie in what /etc/subuid and /etc/subgid give, or in " +
  "a user namespace in that one's own: /proc/self/uid_map";

function mapError(
  summary: string,
  path: string,
  pointer: string,
  cause: unknown,
  hint = OVERLAP,
): ContainerError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ContainerError("SystemError", `${summary}: ${text}`, {
    step: "clone",
    errno: (cause as { code?: string }).code,
    path,
    pointer,
    hint,
    cause,
  });
}
