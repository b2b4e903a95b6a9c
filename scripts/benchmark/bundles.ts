/** The bundles that are measured. @module */

import { type Bundle, type Draft, makeBundle } from "../../tests/fixtures/bundle.ts";
import { missingCompiler } from "../../tests/fixtures/c_programs.ts";
import { dockerLikeProfile } from "./docker_profile.ts";

/** What distinguishes a bundle. */
export type BundleKind = "plain" | "filtered";

/** The bundles that can be made here, and why others can't. */
export interface Bundles extends Disposable {
  readonly made: ReadonlyMap<BundleKind, Bundle>;
  readonly leftOut: readonly string[];
}

/** A bundle whose config is that of `runc spec`, with all its mounts, masks and limits. */
export function trueBundle(change: (config: Draft) => void = () => {}): Bundle {
  return makeBundle("", (config) => {
    config.process.args = ["/bin/true"];
    change(config);
  });
}

/** One without a system call filter, and one with a filter such as Docker's. */
export function makeBundles(): Bundles {
  using stack = new DisposableStack();
  const made = new Map<BundleKind, Bundle>([["plain", stack.use(trueBundle())]]);
  const missing = missingCompiler();
  if (missing === undefined) made.set("filtered", stack.use(trueBundle(addFilter)));
  const leftOut = missing === undefined ? [] : [`the filtered bundle: needs ${missing}`];
  const kept = stack.move();
  return { made, leftOut, [Symbol.dispose]: () => kept.dispose() };
}

function addFilter(config: Draft): void {
  config.linux.seccomp = structuredClone(dockerLikeProfile()) as never;
}

/** The same bundle with another program; it goes with its scope. */
export function bundleOf(kind: BundleKind, args: readonly string[]): Bundle {
  return trueBundle((config) => {
    config.process.args = [...args];
    if (kind === "filtered") addFilter(config);
  });
}
