/**
 * The containers that an earlier run of a daemon has left.
 *
 * @module
 */

import type { Container } from "../container.ts";
import type { RestoredContainer } from "./driver_command.ts";
import { ContainerError } from "../errors.ts";

/** Removes a container whose program never ran; for any other it gives what a daemon is told. */
export async function ofFormerLife(
  container: Container,
  signal: AbortSignal | undefined,
): Promise<RestoredContainer | undefined> {
  try {
    if (!container.hasRun()) {
      await container.destroy({ force: true, signal });
      return undefined;
    }
    const { id } = container;
    const { pid, status } = container.ociState();
    return {
      id,
      pid,
      status: status as RestoredContainer["status"],
      wait: (options) => container.wait(options),
    };
  } catch (error) {
    if (error instanceof ContainerError && error.code === "ContainerNotExists") return undefined;
    throw error;
  }
}
