/**
 * The lines of /proc/PID/mountinfo: proc_pid_mountinfo(5).
 *
 * @module
 */

/** One mount. */
export interface MountLine {
  /** The folder of the file system that is mounted, "/" for all of it. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
  /** The options of the mount, such as `ro` and `nosuid`. */
  readonly options: readonly string[];
  /** The type of the file system, such as `tmpfs`. */
  readonly type: string;
  readonly source: string;
  /** The options of the file system. */
  readonly superOptions: readonly string[];
}

/**
 * The mount of a line; undefined for what is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseMountLine } from "./mount_table.ts";
 *
 * const line = parseMountLine("36 35 0:3 / /a\\040b ro,nosuid master:1 - tmpfs none rw,size=4k");
 * assertEquals(line?.point, "/a b");
 * assertEquals(line?.superOptions, ["rw", "size=4k"]);
 * ```
 */
export function parseMountLine(line: string): MountLine | undefined {
  const [before = "", after = ""] = line.split(" - ", 2);
  const [, , , root, point, options] = before.split(" ");
  const [type = "", source = "", superOptions = ""] = after.split(" ");
  if (root === undefined || point === undefined || options === undefined) return undefined;
  return {
    root: unescapeOctal(root),
    point: unescapeOctal(point),
    options: options.split(","),
    type,
    source: unescapeOctal(source),
    superOptions: superOptions.split(","),
  };
}

/** mountinfo writes space, tab, newline and backslash as \ooo. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
}
