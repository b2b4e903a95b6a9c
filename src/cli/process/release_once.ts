/** The start of a created container that a killed resident may have given. @module */

import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import type { Caller } from "../caller/caller.ts";

/** Lets the container's program run, unless what a resident has left of the command has done so. */
export async function releaseOnce(
  container: Container,
  { left }: Pick<Caller, "left">,
): Promise<void> {
  if (left !== undefined && container.status() !== "created") return;
  try {
    await container.release();
  } catch (error) {
    const runs = error instanceof ContainerError && error.code === "ContainerNotStopped";
    if (left === undefined || !runs) throw error;
  }
}
