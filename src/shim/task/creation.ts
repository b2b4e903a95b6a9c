/**
 * Makes a task: the rootfs, the container, and its first process, which then waits for its start.
 *
 * @module
 */

import type { Config } from "../../config/types/config.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import { undone } from "../../failures/undo.ts";
import type { Factory } from "../../factory.ts";
import { Process } from "../../process.ts";
import type { MessageOf } from "../../protobuf/message.ts";
import type { RuntimeOptions } from "../messages/options.ts";
import type { CREATE } from "../messages/task.ts";
import { mountAll, unmountAll } from "../host/rootfs.ts";
import { noCheckpoints } from "./refusals.ts";
import { type StreamsOf, TaskStreams } from "../streams/task_streams.ts";

/** What a task is made of. */
export interface Ordered {
  readonly request: MessageOf<typeof CREATE>;
  readonly options: RuntimeOptions;
  readonly factory: Factory;
  readonly streams: StreamsOf;
  readonly signal: AbortSignal;
  /** Whether another program, which was killed, may have made a part of it. */
  readonly isAgain: boolean;
}

/** What was made. */
export interface Made {
  readonly container: Container;
  readonly process: Process;
  readonly streams: TaskStreams;
}

const ROOTFS_MODE = 0o711;

/**
 * Makes it, or leaves nothing behind.
 *
 * @throws {ContainerError | StatusError | SyscallError}
 */
export async function makeTask(ordered: Ordered): Promise<Made> {
  const { request: { bundle, rootfs, checkpoint } } = ordered;
  if (checkpoint !== "") throw noCheckpoints();
  const place = `${bundle}/rootfs`;
  if (rootfs.length === 0) return await makeOn(ordered);
  if (ordered.isAgain) await clear(ordered, place);
  Deno.mkdirSync(place, { recursive: true, mode: ROOTFS_MODE });
  await mountAll(rootfs, place);
  try {
    return await makeOn(ordered);
  } catch (error) {
    throw await undone(error, () => unmountAll(place));
  }
}

/** An overlay that is still there would be in use by two mounts at once. */
async function clear({ request: { id }, factory }: Ordered, place: string): Promise<void> {
  try {
    await factory.remove(id, { force: true });
  } catch (error) {
    if (!(error instanceof ContainerError) || error.code !== "ContainerNotExists") throw error;
  }
  unmountAll(place);
}

async function makeOn({ request, options, factory, streams, signal }: Ordered): Promise<Made> {
  const { id, bundle } = request;
  const config = readConfig(bundle, request.terminal);
  const made = { bundle, signal };
  const container = await factory.create(id, config, made).catch(async (error) => {
    if (!(error instanceof ContainerError) || error.code !== "IdInUse") throw error;
    // No task has this name, so it is what a failed deletion left: see `Tasks.create`.
    await factory.remove(id, { force: true });
    return await factory.create(id, config, made);
  });
  let opened: TaskStreams | undefined;
  try {
    opened = await TaskStreams.open(request, streams);
    const process = new Process(opened.options);
    await container.start(process, {
      supervised: true,
      noPivot: options.noPivotRoot,
      noNewKeyring: options.noNewKeyring,
      signal,
    });
    opened.started();
    return { container, process, streams: opened };
  } catch (error) {
    throw await undone(
      error,
      () => opened?.[Symbol.asyncDispose](),
      () => container[Symbol.asyncDispose](),
    );
  }
}

function readConfig(bundle: string, terminal: boolean): Config {
  const config = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`)) as Config;
  if (config.process === undefined || (config.process.terminal ?? false) === terminal) {
    return config;
  }
  return { ...config, process: { ...config.process, terminal } };
}
