/**
 * Command lines.
 *
 * @module
 */

export * from "./parse_args.ts";
