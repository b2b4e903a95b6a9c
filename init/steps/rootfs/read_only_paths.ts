/**
 * Paths that the container may not write.
 *
 * Source: the runtime-spec's "Readonly Paths".
 *
 * @module
 */

import { AT_EMPTY_PATH } from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  MOUNT_ATTR,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { attach, setAttributes } from "./mount_calls.ts";
import {
  type Covered,
  type CoverOptions,
  coversOf,
  isInside,
  keyOf,
  openCovered,
} from "./covered_paths.ts";

const COPY = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

/**
 * Makes paths read-only; what is mounted in them stays, and missing paths are skipped. It comes
 * after the masks: a tree that is copied over itself then includes the masks in it, so that no mask
 * ends up hidden below the copy.
 *
 * @param masked paths that are masked, and so need nothing more
 */
export function protectPaths(
  paths: readonly string[],
  masked: readonly string[],
  options: CoverOptions,
): PlanItem[] {
  const step = new StepBuilder("masks");
  const hidden = new Set(masked.map(keyOf));
  // Paths in held mounts come first, the innermost before all others: a copy that is made later
  // includes them.
  const depth = ({ anchor }: Covered) => anchor?.destination.length ?? 0;
  const covered = coversOf(paths, options.anchors).filter(({ path }) => !hidden.has(keyOf(path)));
  const inner = covered.filter(isInside).toSorted((one, other) => depth(other) - depth(one));
  for (const each of [...inner, ...covered.filter((one) => !isInside(one))]) {
    protect(step, each, options);
  }
  return step.items;
}

/**
 * A path that is a mount is made read-only itself; this is needed for the root, since a cover over
 * it would not be seen. Any other path is covered with a read-only copy of itself.
 */
function protect(step: StepBuilder, covered: Covered, options: CoverOptions): void {
  const { path, key, index } = covered;
  const place = `readonly${key}.place`;
  const mount = `readonly${key}.mount`;
  const done = `readonly${key}.done`;
  const attributes = mountAttributes(MOUNT_ATTR.RDONLY, 0);
  step.because(`make ${path} read-only`, path, `/linux/readonlyPaths/${index}`);
  const mayBeMount = !isInside(covered);
  const way = { first: mount, closes: done, end: `readonly${key}.end` };
  const miss = openCovered(step, covered, place, way, options);
  if (mayBeMount) {
    setAttributes(step, place, attributes, { onError: { jump: mount } });
    step.jump(done);
  }
  step.call("open_tree", [result(place), "", COPY | AT_EMPTY_PATH | AT_RECURSIVE], {
    label: mount,
    tolerated: "EBADF",
  });
  setAttributes(step, mount, attributes, { tolerated: "EBADF" });
  attach(step, mount, place, { tolerated: "EBADF" });
  step.close(mount)
    .call("close", [result(place)], { label: done, onError: "continue" });
  miss();
}
