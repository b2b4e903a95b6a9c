/**
 * The environment variable by which a program knows that it was started as init.
 *
 * @module
 */

/** Holds `KIND:STATUS:CONTROL`: the kind of init, and the fds of its two pipes. */
export const INIT_VARIABLE = "_HULL_INIT";

/** The kind of init that a container's first process is. */
export const STANDARD_INIT = "standard";
