/**
 * What a start would do, of a container that is not made.
 *
 * @module
 */

import { type ContainerPlan, rehearse } from "../birth/rehearsal.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import type { InitKind } from "../../init/start_way.ts";
import type { Config } from "../config/types/config.ts";
import type { Fault } from "../errors.ts";
import { filterOf } from "../process/container_filter.ts";
import type { Process } from "../process.ts";
import { configToStart } from "../wishes/start_config.ts";
import type { StartOptions } from "../wishes/start_options.ts";
import type { CreateOptions, PreparedContainer } from "./prepare_container.ts";

/** What a plan is made of. */
export interface PlanOptions extends CreateOptions, StartOptions {
  /** The config; the built-in default without one. */
  readonly config?: Config | undefined;
}

/** What is planned, and by whom. */
export interface Planned {
  readonly id: string;
  readonly prepared: PreparedContainer;
  readonly process: Process;
  readonly options: PlanOptions;
  /** The Factory's root folder. */
  readonly root: string;
  readonly host: CgroupHost;
  /** The Factory's own wishes. */
  readonly factory: {
    readonly initCommand?: readonly string[] | undefined;
    readonly init?: InitKind | undefined;
    readonly onWarning?: ((warning: Fault) => void) | undefined;
  };
}

/**
 * What a start would do, as system calls; nothing is made.
 *
 * @throws {ContainerError} `ConfigInvalid`, `Unsupported`
 */
export async function planStart(planned: Planned): Promise<ContainerPlan> {
  const { id, prepared, process, options, host, factory } = planned;
  const { builtin, valid, network, rootfs, cgroups, mode } = prepared;
  const scratch = builtin === undefined ? undefined : Deno.makeTempDirSync({ prefix: "hull-" });
  try {
    const look = scratch === undefined ? rootfs : `${scratch}/rootfs`;
    const rootFiles = builtin?.write(look, { asData: prepared.hasRootAsData });
    const root = { rootfs: look, rootFiles };
    const config = configToStart(valid, root, process.options, factory.onWarning);
    return rehearse({
      id,
      rootfs,
      look,
      config,
      seccomp: await filterOf(config, planned.root, { keep: false }),
      host,
      cgroups,
      command: factory.initCommand,
      kind: options.init ?? factory.init ?? "auto",
      hasInterfaces: network !== undefined,
      noPivot: options.noPivot ?? false,
      keyring: options.noNewKeyring === true ? "" : `_ses.${id}`,
      onTmpfs: builtin !== undefined,
      rootFiles,
      rootBytes: prepared.top?.bytes ?? builtin?.rootBytes,
      overlay: prepared.top === undefined ? undefined : `${planned.root}/${id}/rootfs`,
      reaper: prepared.reaper,
      loopbackDown: mode?.kind === "none",
    });
  } finally {
    if (scratch !== undefined) Deno.removeSync(scratch, { recursive: true });
  }
}
