/**
 * A folder that stays open while one mount after the other is made in it, as in /dev or for the
 * trees of cgroups.
 *
 * @module
 */

import { O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import type { Destination } from "../../operations/facts.ts";
import { result, type StepBuilder } from "../../operations/operation.ts";
import { insideRoot, makeFile, openPlace } from "../places/paths.ts";

/** The folder that is open, if any. It must be closed when a mount may cover it. */
export class HeldFolder {
  #held: { readonly path: string; readonly label: string } | undefined;

  /** Makes the last component of a path, the only one that is missing, and opens it. */
  makeIn(
    step: StepBuilder,
    { components }: Destination,
    end: "directory" | "file",
    label: string,
    place: string,
  ): void {
    const name = components.at(-1) as string;
    const folder = this.#open(step, pathOf(components.slice(0, -1)), `${label}.folder`);
    makeFile(step, folder, name, end);
    const flags = O_PATH | O_CLOEXEC | (end === "directory" ? O_DIRECTORY : 0);
    step.call("openat2", insideRoot(result(folder), name, flags), { label: place });
  }

  /**
   * A mount was attached. Unless its place is in the folder, it may cover the folder, which is then
   * closed.
   *
   * @param components where; undefined where that is not sure
   */
  attached(step: StepBuilder, components: readonly string[] | undefined): void {
    if (this.#held === undefined) return;
    const isInside = components !== undefined &&
      pathOf(components.slice(0, -1)) === this.#held.path;
    if (!isInside) this.close(step);
  }

  /** Closes it. */
  close(step: StepBuilder): void {
    if (this.#held !== undefined) step.close(this.#held.label);
    this.#held = undefined;
  }

  #open(step: StepBuilder, path: string, label: string): string {
    if (this.#held?.path === path) return this.#held.label;
    this.close(step);
    openPlace(step, path, label, { directory: true });
    this.#held = { path, label };
    return label;
  }
}

function pathOf(components: readonly string[]): string {
  return "/" + components.join("/");
}
