/**
 * Has another process run a birth's program (src/birth/birth.ts).
 *
 * @module
 */

import { type BirthOptions, planBirth } from "../birth/birth.ts";
import { renumbered } from "../birth/birth_fds.ts";
import type { Bearer } from "../process/bearer.ts";
import type { InitStatus } from "../process/init_status.ts";
import type { Child } from "../process/parent_process.ts";

/**
 * Has another process make the child, which becomes its parent.
 *
 * @param above the numbers from here on are free in the child
 * @param status where a failure of the birth is reported
 * @param said who reads it there
 * @throws {ContainerError} `InitFailed` if there is no child
 */
export async function bearInit(
  bearer: Bearer,
  birth: BirthOptions,
  above: number,
  status: number,
  said: InitStatus,
): Promise<Child> {
  return await bearer.bear({
    above,
    plan: (there, parent) => planBirth({ ...renumbered(birth, there), parent }),
    report: status,
    said,
  });
}
