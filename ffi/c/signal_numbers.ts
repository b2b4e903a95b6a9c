/**
 * The signals that hull itself sends, blocks or tells apart: signal(7), the same on x86_64 and
 * aarch64. All names with their numbers are in ffi/processes/signals.ts.
 *
 * @module
 */

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGKILL = 9;
export const SIGPIPE = 13;
export const SIGCHLD = 17;
export const SIGSTOP = 19;
