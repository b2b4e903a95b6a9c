/**
 * What a caller may wish of a start.
 *
 * @module
 */

import type { InitKind } from "../../init/start_way.ts";
import type { ProcessIdentity } from "../state/process_identity.ts";

/**
 * How a container's first process is made, beyond its config. For a further process `signal` counts
 * alone.
 */
export interface StartOptions {
  /** Enter the rootfs by a move and chroot in place of pivot_root; for a rootfs on a ramfs. */
  readonly noPivot?: boolean | undefined;
  /** Keep the caller's session keyring. */
  readonly noNewKeyring?: boolean | undefined;
  /** How the start goes: see {@linkcode InitKind}; by default as the Factory says. */
  readonly init?: InitKind | undefined;
  /**
   * Have a small process of its own be the parent of the first process: it outlives this program,
   * and records how that ended, for whoever waits then.
   */
  readonly supervised?: boolean | undefined;
  /** Without `supervised`, the process that records it: a program that stays to the end. */
  readonly supervisor?: ProcessIdentity | undefined;
  /**
   * Cuts the start short: the process is killed, all that was made for it is taken away, and the
   * container is as it was before. Once the call has returned it means nothing any more.
   */
  readonly signal?: AbortSignal | undefined;
}
