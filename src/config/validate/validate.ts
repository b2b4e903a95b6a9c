/**
 * The check of config.json: it takes whatever JSON.parse gave, and gives a {@linkcode Config} or
 * throws one error that lists every fault with its JSON pointer.
 *
 * What depends on the host (is the rootfs there, does the kernel have time namespaces) is not
 * checked here. Unknown properties are allowed (config.md, Extensibility), null counts as missing,
 * sections for other systems are ignored.
 *
 * @module
 */

import type { Fault } from "../../errors.ts";
import type { Config, Resources } from "../types/config.ts";
import { inNewestMeaning } from "../fields/by_version.ts";
import { checkAnnotations, checkRoot, checkUtsName, checkVersion } from "./document.ts";
import { requireObject, throwFaults } from "../fields/faults.ts";
import { Field, Report } from "../fields/field.ts";
import { checkHooks } from "../sections/hooks.ts";
import { checkLinux } from "./linux.ts";
import { checkMounts } from "./mounts.ts";
import { containerMappings, isMapped, namespaceSet } from "./namespaces.ts";
import { checkProcess } from "./process.ts";
import { checkResources } from "../sections/resources.ts";
import { cleanCopy } from "../fields/strings.ts";

export { OCI_VERSION_MAX, OCI_VERSION_MIN } from "./document.ts";
export { HOOK_POINTS, type HookPoint } from "../sections/hooks.ts";
export { RLIMIT_INFINITY } from "./process.ts";

/** A valid config, and what in it deserves a warning. */
export interface CheckedConfig {
  /** A copy of the document, without null properties. */
  readonly config: Config;
  /** What the user should be told, such as an unknown capability. */
  readonly warnings: readonly Fault[];
}

/**
 * The config that a document describes, a copy of it.
 *
 * @throws {ContainerError} `ConfigInvalid` with all `faults`.
 *
 * @example Every fault at once
 * ```ts
 * import { assert } from "@std/assert";
 * import { ContainerError } from "../../errors.ts";
 * import { validateConfig } from "./validate.ts";
 *
 * const config = validateConfig({ ociVersion: "1.3.0", root: { path: "rootfs" } });
 * assert(config.root?.path === "rootfs");
 *
 * try {
 *   validateConfig({ ociVersion: "1.3.0", root: {}, hostname: "web", process: { args: ["sh"] } });
 * } catch (error) {
 *   const faults = error instanceof ContainerError ? error.faults ?? [] : [];
 *   const places = faults.map((fault) => fault.pointer).sort().join();
 *   assert(places === "/hostname,/process/cwd,/root/path", places);
 * }
 * ```
 */
export function validateConfig(value: unknown): Config {
  return checkConfig(value).config;
}

/**
 * A further check, of something beside the document; its faults are reported together with the
 * others.
 */
export type FurtherCheck = (report: Report, document: Field) => void;

/**
 * Like {@linkcode validateConfig}, with the warnings.
 *
 * @throws {ContainerError} `ConfigInvalid` with all `faults`.
 */
export function checkConfig(value: unknown, further?: FurtherCheck): CheckedConfig {
  const report = new Report();
  const document = new Field(report, "", inNewestMeaning(cleanCopy(value, report)));
  if (requireObject(document)) checkDocument(document);
  further?.(report, document);
  throwFaults(report, "the config");
  return { config: document.value as Config, warnings: report.warnings };
}

/**
 * The resources that a document describes: what an update of a running container changes. Pointers
 * begin at the resources.
 *
 * @param onWarning hears of what has no effect
 * @throws {ContainerError} `ConfigInvalid` with all `faults`.
 */
export function validateResources(
  value: unknown,
  onWarning?: (warning: Fault) => void,
): Resources {
  const report = new Report();
  const resources = new Field(report, "", cleanCopy(value, report));
  if (requireObject(resources)) checkResources(resources, false);
  throwFaults(report, "the resources");
  for (const warning of report.warnings) onWarning?.(warning);
  return resources.value as Resources;
}

function checkDocument(document: Field): void {
  const linux = document.get("linux");
  const namespaces = namespaceSet(linux);
  checkVersion(document.need("ociVersion"));
  checkRoot(document.need("root"));
  checkMounts(document.get("mounts"), namespaces, containerMappings(linux));
  checkProcess(document.get("process"));
  checkUtsName(document.get("hostname"), namespaces);
  checkUtsName(document.get("domainname"), namespaces);
  checkHooks(document.get("hooks"));
  checkAnnotations(document.get("annotations"));
  checkLinux(linux, namespaces);
  if (namespaces.makes("user")) checkMappedUser(document.get("process").get("user"), linux);
}

/** In a new user namespace the process can only have ids that are mapped (user_namespaces(7)). */
function checkMappedUser(user: Field, linux: Field): void {
  const groups = user.get("additionalGids");
  const ids: [Field, string][] = [
    [user.get("uid"), "uidMappings"],
    [user.get("gid"), "gidMappings"],
    ...(Array.isArray(groups.value) ? groups.items() : [])
      .map((gid): [Field, string] => [gid, "gidMappings"]),
  ];
  for (const [id, mappings] of ids) {
    if (typeof id.value === "number" && !isMapped(linux.get(mappings), id.value)) {
      id.fault(`is not mapped by linux.${mappings}: ${id.value}`);
    }
  }
}
