/**
 * The built-in default as a Factory makes it. Loaded only if there is no config.
 *
 * @module
 */

import { builtinConfig, hostFacts, writeBuiltinFiles } from "./builtin_bundle.ts";
import type { Config } from "../config/types/config.ts";
import { late } from "../own/late.ts";
import type { CheckedMode } from "../config/validate_network/network_mode.ts";

const loadUserNetwork = () => import("../network/user_network.ts");
const resolverConfig = late(() => import("../network/resolver_config.ts"), "resolverConfig");

/** The built-in default of one container. */
export interface Builtin {
  readonly config: Config;
  /**
   * Fills the root file system's folder.
   *
   * @param addresses of the container, which /etc/hosts names
   */
  write(rootfs: string, addresses?: readonly string[]): void;
}

/** The built-in default's config, and how its root file system is made. */
export async function makeBuiltin(id: string, mode: CheckedMode | undefined): Promise<Builtin> {
  const kind = mode?.kind;
  const isHost = kind === "host";
  const resolvConf = kind === "pasta" || kind === "slirp4netns"
    ? (await loadUserNetwork()).userResolverConfig(kind)
    : isHost || kind === "bridge"
    ? await resolverConfig(isHost)
    : undefined;
  const subject = { id, args: [], host: hostFacts(), network: { isHost, resolvConf } };
  return {
    config: builtinConfig(subject).config,
    write(rootfs, addresses = []) {
      const network = { ...subject.network, addresses };
      writeBuiltinFiles(rootfs, builtinConfig({ ...subject, network }).files);
    },
  };
}
