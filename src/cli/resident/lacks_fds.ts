/**
 * Whether a command failed because the program that did it could open no more files.
 *
 * @module
 */

const FULL: readonly unknown[] = ["EMFILE", "ENFILE"];

/** Whether an error, or what caused it, says so. */
export function lacksFds(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errno, code } = error as { readonly errno?: unknown; readonly code?: unknown };
  return FULL.includes(errno) || FULL.includes(code) || lacksFds(error.cause);
}
