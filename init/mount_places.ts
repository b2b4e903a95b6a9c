/**
 * Where the mounts of a config are, by their paths: which of them shows at a path, and which have had
 * a folder made. A config may have thousands.
 *
 * @module
 */

/** The places of a config's mounts, each by its number in the config. */
export class MountPlaces {
  /** Which mounts are at a path, in order. */
  readonly #at = new Map<string, number[]>();
  /** Which mounts are at a path or below it, in order. */
  readonly #below = new Map<string, number[]>();

  /**
   * Adds the place of the next mount.
   *
   * @param hides whether it hides what was there: a remount does not
   */
  add(mount: number, components: readonly string[], hides: boolean): void {
    const paths = pathsTo(components);
    for (const path of paths) append(this.#below, path, mount);
    if (hides) append(this.#at, paths.at(-1) as string, mount);
  }

  /** The last mount of a number below `before` that a path is on; undefined where there is none. */
  showing(components: readonly string[], before: number): Shown | undefined {
    let found: Shown | undefined;
    for (const [depth, path] of pathsTo(components).entries()) {
      const mount = lastBefore(before, this.#at.get(path));
      if (mount !== undefined && mount > (found?.mount ?? -1)) found = { mount, depth };
    }
    return found;
  }

  /** Whether a mount between two numbers is at a path or below it. */
  hasBelow(components: readonly string[], from: number, before: number): boolean {
    const last = lastBefore(before, this.#below.get(components.join("/")));
    return last !== undefined && last >= from;
  }
}

/** A mount that shows at a path. */
export interface Shown {
  readonly mount: number;
  /** How many of the path's components lead to it. */
  readonly depth: number;
}

/** The last number below another, in a list in order. */
function lastBefore(before: number, list: readonly number[] = []): number | undefined {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((list[middle] as number) < before) from = middle + 1;
    else to = middle;
  }
  return list[from - 1];
}

/** The paths of the folders on the way, from the root, and of what they lead to. */
function pathsTo(components: readonly string[]): string[] {
  const paths = [""];
  let path = "";
  for (const [k, name] of components.entries()) {
    path = k === 0 ? name : `${path}/${name}`;
    paths.push(path);
  }
  return paths;
}

function append(lists: Map<string, number[]>, path: string, mount: number): void {
  const list = lists.get(path);
  if (list === undefined) lists.set(path, [mount]);
  else list.push(mount);
}
