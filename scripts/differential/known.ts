/**
 * What is left out of the comparison, and the differences that remain, each with its reason.
 *
 * @module
 */

import type { Known } from "./difference.ts";
import { CRUN } from "./known_crun.ts";
import { NEWER } from "./known_newer.ts";
import { OLDER } from "./known_older.ts";
import { READ_ONLY, READ_ONLY_RUNC } from "./known_read_only.ts";
import { REFUSALS } from "./known_refusals.ts";
import { VIEWS } from "./known_views.ts";
import type { Peer } from "./runtimes.ts";

/** A fact that is never compared. */
export interface LeftOut {
  readonly fact: RegExp;
  readonly reason: string;
}

/** Facts that are never compared. */
export const LEFT_OUT: readonly LeftOut[] = [
  {
    fact: /^inside place \/hooks$/,
    reason: "it holds the version of the spec; what hooks wrote is compared on the host",
  },
  { fact: /^host \.\/config\.json$/, reason: "the case's own, the same for all" },
  {
    fact: /^inside fd\.[012]$/,
    reason: "runtimes may copy the streams through pipes, hull hands the caller's own on",
  },
];

/** The differences from runc that remain. */
export const KNOWN: readonly Known[] = [
  ...REFUSALS,
  ...VIEWS,
  ...READ_ONLY,
  ...READ_ONLY_RUNC,
  ...NEWER,
  ...OLDER,
];

/** The differences that remain from each runtime that hull can be compared with. */
export const KNOWN_OF: Readonly<Record<Peer, readonly Known[]>> = { crun: CRUN, runc: KNOWN };
