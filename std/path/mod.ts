/**
 * Paths as POSIX has them: a stand-in with the published signatures of `@std/path`, for hosts that
 * can't reach its registry. hull runs on Linux alone.
 *
 * @module
 */

export * from "./posix/basename.ts";
export * from "./posix/dirname.ts";
export * from "./posix/is_absolute.ts";
export * from "./posix/join.ts";
export * from "./posix/normalize.ts";
export * from "./posix/resolve.ts";
