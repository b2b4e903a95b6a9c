/**
 * What a start of a first process is about: all that is known before anything is made.
 *
 * @module
 */

import { newKeyringName } from "../../init/steps/process/keyring.ts";
import type { RootFile } from "../../init/operations/root_files.ts";
import type { InitKind } from "../../init/start_way.ts";
import type { Config } from "../config/types/config.ts";
import type { ProcessOptions } from "../process.ts";
import type { ProcessIdentity } from "../state/process_identity.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import { configToStart } from "../wishes/start_config.ts";
import type { StartOptions } from "../wishes/start_options.ts";

/** What a start is about. */
export interface StartSubject
  extends ContainerSurroundings, Pick<StoredState, "id" | "rootfs" | "bundle" | "network"> {
  /** The container's state as it was before. */
  readonly before: StoredState;
  /** The container's state folder. */
  readonly folder: string;
  /** The container's config with the process to run. */
  readonly config: Config;
  readonly process: ProcessOptions;
  readonly noPivot: boolean;
  /** See {@linkcode InitConfig.keyring}. */
  readonly keyring: string;
  /** Whether the root is a tmpfs that is filled with the rootfs's files. */
  readonly onTmpfs: boolean;
  /** See {@linkcode InitConfig.rootFiles}. */
  readonly rootFiles: readonly RootFile[] | undefined;
  /** How many bytes that may hold; not limited without it. */
  readonly rootBytes: number | undefined;
  /** See {@linkcode InitConfig.overlay}. */
  readonly overlay: string | undefined;
  /** See {@linkcode InitConfig.reaper}. */
  readonly reaper: string | undefined;
  /** Whether a supervisor is to be init's parent: see `src/supervisor/supervisor.ts`. */
  readonly isSupervised: boolean;
  /** The process that records how init ends, if there is no supervisor. */
  readonly supervisor: ProcessIdentity | undefined;
  /** Whether the loopback interface of a new network namespace stays down. */
  readonly loopbackDown: boolean;
  /** Which init was asked for. */
  readonly kind: InitKind;
}

/** Whether the container gets interfaces, routes or devices from outside. */
export function needsNetwork({ network, before: { userNetwork }, config }: StartSubject): boolean {
  return network !== undefined || userNetwork !== undefined ||
    Object.keys(config.linux?.netDevices ?? {}).length > 0;
}

/**
 * Lays the wishes of the process and of the start over what is known of the container.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function subjectOf(
  before: StoredState,
  process: ProcessOptions,
  surroundings: ContainerSurroundings,
  options: StartOptions,
): StartSubject {
  const { id, rootfs, bundle, network, loopbackDown = false, rootBytes, reaper } = before;
  const { rootFiles } = before;
  const folder = surroundings.store.folder(id);
  return {
    ...surroundings,
    id,
    rootfs,
    bundle,
    network,
    before,
    folder,
    config: configToStart(before.config, { rootfs, rootFiles }, process, surroundings.onWarning),
    process,
    noPivot: options.noPivot ?? false,
    keyring: options.noNewKeyring === true ? "" : newKeyringName(id),
    onTmpfs: rootfs === `${folder}/rootfs`, // the built-in default's
    rootFiles,
    rootBytes,
    overlay: before.hasOverlay === true ? `${folder}/rootfs` : undefined,
    reaper,
    isSupervised: options.supervised ?? false,
    supervisor: options.supervisor,
    loopbackDown,
    kind: options.init ?? surroundings.initKind,
  };
}
