/**
 * The built-in default as a Factory makes it. Loaded only if there is no config.
 *
 * @module
 */

import { builtinConfig, hostFacts, hostsFile, writeBuiltinFiles } from "./builtin_bundle.ts";
import type { Config } from "../config/types/config.ts";
import { late } from "../own/late.ts";
import type { DefaultWishes } from "./default_wishes.ts";
import type { CheckedMode } from "../config/validate_network/network_mode.ts";

const wishedBundle = late(() => import("./wished_bundle.ts"), "wishedBundle");
const resolverOf = late(() => import("./builtin_resolver.ts"), "resolverOf");

/** The built-in default of one container. */
export interface Builtin {
  readonly config: Config;
  /** How many bytes its root may hold, where it is writable and they are limited. */
  readonly rootBytes: number | undefined;
  /** The first process inside, whose child the program is; undefined: it is the program. */
  readonly reaper: string | undefined;
  /**
   * Fills the root file system's folder.
   *
   * @param addresses of the container, which /etc/hosts names
   */
  write(rootfs: string, addresses?: readonly string[]): void;
}

/**
 * The built-in default's config, and how its root file system is made.
 *
 * @param wishes what is wished of it
 * @param own a config that counts in place of the default's
 * @throws {ContainerError} `ConfigInvalid` with all that is wrong with the wishes
 */
export async function makeBuiltin(
  id: string,
  mode: CheckedMode | undefined,
  wishes: DefaultWishes | undefined,
  own: Config | undefined,
): Promise<Builtin> {
  const kind = mode?.kind;
  const isHost = kind === "host";
  const resolvConf = kind === undefined ? undefined : await resolverOf(kind);
  const subject = { id, args: [], host: hostFacts(), network: { isHost, resolvConf } };
  const { config, files, rootBytes, reaper } = wishes === undefined
    ? { ...builtinConfig(subject), rootBytes: undefined, reaper: undefined }
    : await wishedBundle(subject, withHostname(wishes, own?.hostname));
  return {
    config: own === undefined ? config : named(own, config.hostname),
    rootBytes,
    reaper,
    write(rootfs, addresses = []) {
      const hosts = hostsFile(config.hostname ?? id, addresses);
      const hasOwn = wishes?.files?.[HOSTS] !== undefined;
      writeBuiltinFiles(
        rootfs,
        files.map((file) =>
          file.path === HOSTS && file.kind === "file" && !hasOwn
            ? { ...file, content: hosts }
            : file
        ),
      );
    },
  };
}

const HOSTS = "/etc/hosts";

function withHostname(wishes: DefaultWishes, hostname: string | undefined): DefaultWishes {
  return hostname === undefined ? wishes : { ...wishes, hostname };
}

/** A config without a host name gets the one that the files have, if it can have one. */
function named(config: Config, hostname: string | undefined): Config {
  const { namespaces } = config.linux ?? {};
  const hasOwn = Array.isArray(namespaces) && namespaces.some((each) => each?.type === "uts");
  return hasOwn && config.hostname === undefined ? { ...config, hostname } : config;
}
