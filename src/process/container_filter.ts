/**
 * The system call filter of a container of one root folder, where compiled profiles are kept.
 *
 * @module
 */

import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { Config } from "../config/types/config.ts";
import type { SeccompOptions } from "../security/filters/seccomp.ts";

/**
 * The filter of a process of a container, the first one or one that joins later. It comes from the
 * cache under the root folder, or is compiled from the stored config.
 *
 * @param config the container's, with the process to start
 * @param root the Factory's root folder
 * @param options `keep` false leaves the cache as it is; `recent` are the Factory's own
 * @returns undefined if the config has no `linux.seccomp`
 * @throws {ContainerError} what `prepareSeccomp` throws
 */
export async function filterOf(
  config: Config,
  root: string,
  options: Pick<SeccompOptions, "keep" | "recent">,
): Promise<LoadableFilter | undefined> {
  if (config.linux?.seccomp === undefined) return undefined; // mostly; nothing is loaded then
  const [{ prepareSeccomp }, { CACHE_FOLDER }] = await Promise.all([
    import("../security/filters/seccomp.ts"),
    import("../security/filters/profile_cache.ts"),
  ]);
  return await prepareSeccomp(config, { cache: `${root}/${CACHE_FOLDER}`, ...options });
}
