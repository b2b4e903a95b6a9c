/**
 * The two ways of a start: directly, by a plan that needs no TypeScript inside, or by a re-executed
 * init.
 *
 * @module
 */

/**
 * Who walks the plan: the child itself (`direct`), the re-executed init (`reexec`), or the first of
 * them that can.
 */
export type InitKind = "auto" | "direct" | "reexec";

/** Which way a start goes and, if that is not the direct one, why. */
export type StartWay =
  | { readonly kind: "direct" }
  | { readonly kind: "reexec"; readonly because: string };
