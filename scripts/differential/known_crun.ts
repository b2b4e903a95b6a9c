/**
 * Known differences from crun. Where it does otherwise hull keeps to the spec, and to runc where the
 * spec leaves it open.
 *
 * @module
 */

import type { Known } from "./difference.ts";
import { CRUN_AFTER } from "./known_crun_after.ts";
import { CRUN_REFUSALS } from "./known_crun_refusals.ts";
import { CRUN_VIEWS } from "./known_crun_views.ts";
import { READ_ONLY } from "./known_read_only.ts";

/** The differences from crun that remain. */
export const CRUN: readonly Known[] = [
  ...CRUN_REFUSALS,
  ...CRUN_VIEWS,
  ...READ_ONLY,
  ...CRUN_AFTER,
];
