/**
 * The built-in default as a Factory makes it. Loaded only if there is no config.
 *
 * @module
 */

import { builtinConfig, hostFacts, hostsFile, writeBuiltinFiles } from "./builtin_bundle.ts";
import type { RootFile } from "../../init/operations/root_files.ts";
import type { Config } from "../config/types/config.ts";
import { filesAsData } from "./files_as_data.ts";
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
   * Makes the root file system's folder, and fills it if its files can't be kept as data.
   *
   * @returns its files as data; undefined: they are in the folder
   */
  write(rootfs: string, options: RootOptions): readonly RootFile[] | undefined;
}

/** How a root is made. */
export interface RootOptions {
  /** The addresses of the container, which /etc/hosts names. */
  readonly addresses?: readonly string[] | undefined;
  /** Whether its files may be data, which the start makes in memory. */
  readonly asData: boolean;
}

/** Names that a root knows beside its own. */
export interface RootNames {
  /** Further lines of /etc/hosts; there is no /etc/resolv.conf then. */
  readonly hosts: readonly string[];
}

/** What a built-in default is made for. */
export interface BuiltinSubject {
  /** What is wished of it. */
  readonly wishes: DefaultWishes | undefined;
  /** A config that counts in place of the default's. */
  readonly own: Config | undefined;
  readonly names: RootNames | undefined;
}

/**
 * The built-in default's config, and how its root file system is made.
 *
 * @throws {ContainerError} `ConfigInvalid` with all that is wrong with the wishes
 */
export async function makeBuiltin(
  id: string,
  mode: CheckedMode | undefined,
  { wishes, own, names }: BuiltinSubject,
): Promise<Builtin> {
  const kind = mode?.kind;
  const isHost = kind === "host";
  const resolvConf = kind === undefined || names !== undefined ? undefined : await resolverOf(kind);
  const subject = { id, args: [], host: hostFacts(), network: { isHost, resolvConf } };
  const { config, files, rootBytes, reaper } = wishes === undefined
    ? { ...builtinConfig(subject), rootBytes: undefined, reaper: undefined }
    : await wishedBundle(subject, withHostname(wishes, own?.hostname));
  return {
    config: own === undefined ? config : named(own, config.hostname),
    rootBytes,
    reaper,
    write(rootfs, { addresses = [], asData }) {
      const lines = names?.hosts.map((line) => `${line}\n`).join("") ?? "";
      const hosts = hostsFile(config.hostname ?? id, addresses) + lines;
      const hasOwn = wishes?.files?.[HOSTS] !== undefined;
      const all = files.map((file) =>
        file.path === HOSTS && file.kind === "file" && !hasOwn ? { ...file, content: hosts } : file
      );
      const data = asData ? filesAsData(all) : undefined;
      writeBuiltinFiles(rootfs, data === undefined ? all : []);
      return data;
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
