/**
 * Where the mounts of a config are: which of them shows at a path, and for which a folder was made.
 * Both are looked up by path, since a config may have thousands of mounts.
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
    let path = components.join("/");
    if (hides) append(this.#at, path, mount);
    append(this.#below, path, mount);
    while (path !== "") {
      path = parentOf(path);
      append(this.#below, path, mount);
    }
  }

  /** The last mount of a number below `before` that a path is on; undefined where there is none. */
  showing(components: readonly string[], before: number): Shown | undefined {
    let found: Shown | undefined;
    let path = components.join("/");
    for (let depth = components.length; depth >= 0; depth--) {
      const mounts = this.#at.get(path);
      const mount = mounts === undefined ? undefined : lastBefore(before, mounts);
      if (mount !== undefined && mount > (found?.mount ?? -1)) found = { mount, depth };
      path = parentOf(path);
    }
    return found;
  }

  /** Whether a mount between two numbers is at a path or below it. */
  hasBelow(components: readonly string[], from: number, before: number): boolean {
    const mounts = this.#below.get(components.join("/"));
    return mounts !== undefined && (lastBefore(before, mounts) ?? -1) >= from;
  }
}

/** A mount that shows at a path. */
export interface Shown {
  readonly mount: number;
  /** How many of the path's components lead to it. */
  readonly depth: number;
}

/** The last number below another, in a list in order. */
function lastBefore(before: number, list: readonly number[]): number | undefined {
  const last = list.at(-1);
  if (last === undefined || last < before) return last;
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((list[middle] as number) < before) from = middle + 1;
    else to = middle;
  }
  return list[from - 1];
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function append(lists: Map<string, number[]>, path: string, mount: number): void {
  const list = lists.get(path);
  if (list === undefined) lists.set(path, [mount]);
  else list.push(mount);
}
