/**
 * Which way a start goes: directly, as a plan that needs no TypeScript inside, or by a re-executed
 * init.
 *
 * @module
 */

/**
 * Who walks the plan: the child itself (`direct`), the re-executed init (`reexec`), or the first of
 * them that can.
 */
export type InitKind = "auto" | "direct" | "reexec";

/** How a start goes, and why it doesn't go directly. */
export type StartWay =
  | { readonly kind: "direct" }
  | { readonly kind: "reexec"; readonly because: string };
