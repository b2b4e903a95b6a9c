/**
 * Checks and decides what a container is made of, before anything is made.
 *
 * @module
 */

import { resolve } from "../../std/path/posix/resolve.ts";
import type { Builtin, RootNames } from "./builtin_container.ts";
import type { Top } from "./overlay_top.ts";
import type { DefaultWishes } from "./default_wishes.ts";
import { requireRootfs, withAbsoluteSources } from "./bundle_paths.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import { newCgroupManager } from "../cgroups/choice/make_manager.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { Config, Resources } from "../config/types/config.ts";
import type { ContainerNetwork, Network, Route } from "../config/types/network.ts";
import type { NetworkMode } from "../config/types/network_mode.ts";
import { checkConfig, OCI_VERSION_MAX } from "../config/validate/validate.ts";
import type { CheckedMode } from "../config/validate_network/network_mode.ts";
import type { Fault } from "../errors.ts";
import { requireNotHosts } from "../namespaces/host_namespaces.ts";
import {
  requireMountNamespace,
  requireNetworkNamespace,
} from "../namespaces/required_namespaces.ts";
import {
  checkMode,
  fitMode,
  fitToHost,
  fitToUser,
  makeBuiltin,
  makeTop,
  mergeResources,
  requireWishes,
  withReaper,
  withReason,
} from "./late.ts";
import { checkWithNetwork } from "./planned_network.ts";
import { isOrdinaryUser } from "../own/rights.ts";
import type { OutputFiles } from "../state/stored_state.ts";
import { requireSecurityModules } from "../security/lsm.ts";

/** What a new container is made with, beside its config. */
export interface CreateOptions {
  /** The interfaces that are made for it; by default none. */
  readonly networks?: readonly Network[] | undefined;
  /**
   * How it is connected; by default as its config says. With a config, which must have fitting
   * namespaces, it is mostly `bridge` or `none`.
   */
  readonly network?: NetworkMode | undefined;
  /** Its routes; by default none. */
  readonly routes?: readonly Route[] | undefined;
  /**
   * Whether the config's annotations `org.hull.networks` and `org.hull.routes` count where
   * `networks` and `routes` are left out. By default they are ignored with a warning: an engine
   * copies an image's annotations into the config, and an image must not choose what is made on the
   * host.
   */
  readonly networksFromAnnotations?: boolean | undefined;
  /**
   * What is wished of the built-in default. A config that is given beside them counts in place of
   * theirs, and has the built-in root: it is mostly made of what `defaultConfig` gives for the same
   * wishes.
   */
  readonly wishes?: DefaultWishes | undefined;
  /**
   * Whether the first process is a small one of hull's own, as in {@linkcode DefaultWishes.init}: for
   * a config of the caller's own, in which it is mounted at /dev/init. Default false.
   */
  readonly withInit?: boolean | undefined;
  /**
   * Whether the container changes its root file system in memory alone, through an overlay: for a
   * config of the caller's own. The rootfs itself may be used by any number of containers. Names of
   * hosts and resolvers are laid over it, as the network has them.
   */
  readonly overlay?: boolean | { readonly sizeBytes: number } | undefined;
  /** The folder that relative paths of the config start from; default the current one. */
  readonly bundle?: string | undefined;
  /** Limits that are laid over the config's, or over those of the built-in default. */
  readonly resources?: Resources | undefined;
  /**
   * The files that its program's output goes to: the paths are kept in the state, for `hull logs`.
   * Who starts the program gives it the files.
   */
  readonly outputFiles?: OutputFiles | undefined;
  /** The name of the ExecDriver that it is to belong to; by default it belongs to none. */
  readonly driver?: string | undefined;
  /** Ends the making early; nothing is left then. A container that has been made is not touched. */
  readonly signal?: AbortSignal | undefined;
}

/** What hull itself adds. */
export interface InnerCreateOptions extends CreateOptions {
  /** Which names a built-in root knows, in place of those that its network has. */
  readonly names?: RootNames | undefined;
}

/** What is asked for. */
export interface Asked {
  readonly id: string;
  /** The state folder that the container will have. */
  readonly folder: string;
  /** The built-in default without one. */
  readonly config: Config | undefined;
  readonly options: InnerCreateOptions;
  /** The host's cgroups; only called if the config is valid. */
  readonly host: () => CgroupHost;
  readonly driver: "cgroupfs" | "systemd" | "disabled";
  readonly onWarning: ((warning: Fault) => void) | undefined;
}

/** A container that is ready to be made. */
export interface PreparedContainer {
  readonly builtin: Builtin | undefined;
  /** The config, with bind mounts that start from the bundle. */
  readonly valid: Config;
  readonly network: ContainerNetwork | undefined;
  readonly bundle: string;
  readonly rootfs: string;
  readonly cgroups: CgroupManager;
  readonly mode: CheckedMode | undefined;
  /** The first process inside, whose child the program is; undefined: it is the program. */
  readonly reaper: string | undefined;
  /** Whether that must be put into the state folder, from which it is mounted. */
  readonly writesReaper: boolean;
  /** Whether the files of a root of hull's own need not be on the host: see `Builtin.write`. */
  readonly hasRootAsData: boolean;
  /** What is laid over its root, if that is an overlay. */
  readonly top: Top | undefined;
}

/**
 * Checks all that can be checked.
 *
 * @throws {ContainerError} what `Factory.create` throws
 */
export async function prepareContainer(asked: Asked): Promise<PreparedContainer> {
  const { id, folder, config, options, host, driver, onWarning } = asked;
  const { wishes } = options;
  if (wishes !== undefined) await requireWishes(wishes);
  const asksFor = options.network ?? wishes?.network;
  const mode = asksFor === undefined ? undefined : await checkMode(asksFor);
  const builtin = config === undefined || wishes !== undefined
    ? await makeBuiltin(id, mode, { wishes, own: config, names: options.names })
    : undefined;
  const isUser = isOrdinaryUser();
  const wished = builtin?.config ?? config;
  const user = isUser && wished !== undefined ? await fitToUser(wished) : undefined;
  const base = user?.config ?? wished;
  const limits = options.resources;
  const writesReaper = options.withInit === true && builtin?.reaper === undefined;
  const reaper = writesReaper ? MOUNTED_REAPER : builtin?.reaper;
  const wanted = limits === undefined ? base : await limited(checkConfig(base).config, limits);
  const networks = mode === undefined ? options : await fitMode(mode, wanted, options);
  const checked = await checkWithNetwork(wanted, networks).catch(async (error) => {
    throw user === undefined ? error : await withReason(error, user.warnings);
  });
  const { config: valid, warnings, network } = checked;
  requireNetworkNamespace(valid);
  requireNotHosts(valid);
  requireSecurityModules(valid);
  await requireResctrl(valid);
  requireMountNamespace(valid);
  const bundle = builtin === undefined ? resolve(options.bundle ?? ".") : folder;
  const rootfs = builtin === undefined ? requireRootfs(valid, bundle) : `${folder}/rootfs`;
  const asks = { host: host(), cgroupsPath: valid.linux?.cgroupsPath, id };
  const { overlay = false } = options;
  const top = overlay === false || builtin !== undefined
    ? undefined
    : await makeTop(valid, id, mode, overlay);
  const absolute = withAbsoluteSources(valid, bundle);
  const placed = writesReaper ? await withReaper(absolute, folder) : absolute;
  const isBuiltin = builtin !== undefined || top?.hasDefaultLimits === true;
  const isLenient = isBuiltin && limits === undefined && wishes?.resources === undefined;
  const isLess = isUser || asks.host.inUserNamespace;
  const made = isLess || driver === "systemd"
    ? await fitToHost({ asks, driver, config: placed, isLess, isBuiltin, isLenient })
    : { cgroups: newCgroupManager({ ...asks, driver }), valid: placed };
  for (const warning of [...user?.warnings ?? [], ...warnings]) onWarning?.(warning);
  // In a user namespace init makes files as somebody who is not root there yet.
  const hasRootAsData = valid.linux?.namespaces?.every(({ type }) => type !== "user") ?? true;
  const root = { bundle, rootfs, hasRootAsData, top };
  return { builtin, network, mode, reaper, writesReaper, ...root, ...made };
}

const MOUNTED_REAPER = "/dev/init";

async function limited(config: Config, resources: Resources): Promise<Config> {
  const merged = await mergeResources(config.linux?.resources ?? {}, resources);
  // The config was already converted to the newest version, to which the limits belong too.
  const ociVersion = OCI_VERSION_MAX;
  return { ...config, ociVersion, linux: { ...config.linux, resources: merged } };
}

async function requireResctrl({ linux }: Config): Promise<void> {
  if (linux?.intelRdt === undefined) return;
  const { Resctrl } = await import("../resctrl/intel_rdt.ts");
  Resctrl.mounted().require(linux.intelRdt);
}
