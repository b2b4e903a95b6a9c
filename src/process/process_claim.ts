/**
 * How a start takes a Process. The method has a symbol for its name, so that only hull can call it.
 *
 * @module
 */

import type { PipeStreams } from "../streams/stdio.ts";
import type { ParentProcess } from "./parent_process.ts";

/** The name of the method that claims a Process. */
export const CLAIM: unique symbol = Symbol("claim");

/** The name of the method that tells what a Process has used, once it has ended. */
export const USED: unique symbol = Symbol("used");

/** The name of the method that waits for a Process's end and keeps it before its status is taken. */
export const KEEP_END: unique symbol = Symbol("keepEnd");

/** A process that is being started. */
export interface ProcessClaim extends Disposable {
  /** Takes the handle that the start made. */
  attach(parent: ParentProcess, streams: PipeStreams): void;
}
