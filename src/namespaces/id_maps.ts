/**
 * The id maps of a new user namespace.
 *
 * Source: user_namespaces(7), newuidmap(1).
 *
 * @module
 */

import type { IdMapping, Linux } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { commandEnvironment } from "../own/own_environment.ts";
import { writeProcessFile } from "../security/procfs.ts";

/**
 * Writes the maps of a child that waits for them. Without privilege a single own id can be written
 * directly, with setgroups denied first; more need newuidmap and newgidmap.
 *
 * @param pointer the object of config.json that holds the mappings
 *
 * @throws {ContainerError} `SystemError`
 */
export function writeIdMaps(
  pid: number,
  { uidMappings = [], gidMappings = [] }: Pick<Linux, "uidMappings" | "gidMappings">,
  pointer = "/linux",
): void {
  const isRoot = Deno.uid() === 0;
  if (!isRoot && gidMappings.length > 0) {
    if (isSingle(gidMappings)) writeFile(pid, "setgroups", "deny", `${pointer}/gidMappings`);
  }
  writeMap(pid, "uid_map", uidMappings, `${pointer}/uidMappings`, isRoot);
  writeMap(pid, "gid_map", gidMappings, `${pointer}/gidMappings`, isRoot);
}

function isSingle(mappings: readonly IdMapping[]): boolean {
  return mappings.length === 1 && mappings[0]?.size === 1;
}

function writeMap(
  pid: number,
  file: "uid_map" | "gid_map",
  mappings: readonly IdMapping[],
  pointer: string,
  isRoot: boolean,
): void {
  if (mappings.length === 0) return;
  const lines = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`);
  if (isRoot || isSingle(mappings)) writeFile(pid, file, lines.join("\n") + "\n", pointer);
  else runMapTool(pid, file === "uid_map" ? "newuidmap" : "newgidmap", lines, pointer);
}

function writeFile(pid: number, file: string, content: string, pointer: string): void {
  const path = `/proc/${pid}/${file}`;
  try {
    writeProcessFile(pid, file, content);
  } catch (cause) {
    throw mapError(`cannot write ${path}`, path, pointer, cause);
  }
}

function runMapTool(pid: number, tool: string, lines: readonly string[], pointer: string): void {
  const args = [String(pid), ...lines.flatMap((line) => line.split(" "))];
  try {
    const options = { args, stdout: "null", ...commandEnvironment() } as const;
    const { success, stderr } = new Deno.Command(tool, options).outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  } catch (cause) {
    throw mapError(`cannot map ids with ${tool}`, tool, pointer, cause);
  }
}

function mapError(
  summary: string,
  path: string,
  pointer: string,
  cause: unknown,
): ContainerError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ContainerError("SystemError", `${summary}: ${text}`, {
    step: "clone",
    errno: (cause as { code?: string }).code,
    path,
    pointer,
    hint: "the ranges must lie in what /etc/subuid and /etc/subgid give, and must not overlap",
    cause,
  });
}
