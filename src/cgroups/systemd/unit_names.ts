/**
 * Which unit of systemd a container is, by `linux.cgroupsPath`: `SLICE:PREFIX:NAME` as runc and crun
 * have it, which makes the scope `PREFIX-NAME.scope` in the slice.
 *
 * Source: systemd.unit(5), "String escaping for inclusion in unit names"; systemd.slice(5).
 *
 * @module
 */

import { invalidResource } from "../cgroup_errors.ts";

const POINTER = "/linux/cgroupsPath";
const FORM = "systemd's form is SLICE:PREFIX:NAME, such as system.slice:hull:web";
const MAX_LENGTH = 255;

/** A unit and the slice that it is in. */
export interface UnitName {
  /** Such as `hull-web.scope`; a slice if the name says so. */
  readonly unit: string;
  /** Such as `system.slice`; `-.slice` is the root. */
  readonly slice: string;
}

/**
 * The unit of a container.
 *
 * @param cgroupsPath of its config; without one, or without its slice, it is in `system.slice`, or
 *   in `user.slice` of a user's own manager
 * @param id the container's id, its unit's name without a path: `hull-ID.scope`
 * @param isUser whether the manager is a user's own
 * @throws {ContainerError} ConfigInvalid for another form
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { slicePath, unitName } from "./unit_names.ts";
 *
 * const { unit, slice } = unitName("machine-x.slice:libpod:12ab", "12ab", false);
 * assert(unit === "libpod-12ab.scope");
 * assert(slicePath(slice) === "/machine.slice/machine-x.slice");
 * assert(unitName(undefined, "web", true).slice === "user.slice");
 * ```
 */
export function unitName(cgroupsPath: string | undefined, id: string, isUser: boolean): UnitName {
  const usual = isUser ? "user.slice" : "system.slice";
  if (!cgroupsPath) return { unit: checked(`hull-${escaped(id)}.scope`), slice: usual };
  const parts = cgroupsPath.split(":");
  const [slice, prefix, name] = parts as [string, string, string];
  if (parts.length !== 3) {
    throw invalidResource(`${JSON.stringify(cgroupsPath)} names no unit of systemd`, POINTER, FORM);
  }
  if (name === "") throw invalidResource("the unit has no name", POINTER, FORM);
  slicePath(slice || usual);
  if (name.endsWith(".slice")) {
    slicePath(name);
    return { unit: checked(name), slice: slice || usual };
  }
  const unit = prefix === "" ? `${name}.scope` : `${prefix}-${name}.scope`;
  return { unit: checked(unit), slice: slice || usual };
}

/**
 * Where a slice lies below its manager: the slices that its name is made of are around it, so that
 * `a-b.slice` is `/a.slice/a-b.slice`. The root, `-.slice`, is "".
 *
 * @throws {ContainerError} ConfigInvalid if it is no name of a slice
 */
export function slicePath(slice: string): string {
  const name = /^([A-Za-z0-9:_.\\-]+)\.slice$/.exec(slice)?.[1];
  if (name === "-") return "";
  const words = name?.split("-") ?? [""];
  if (words.includes("") || slice.length > MAX_LENGTH) {
    const summary = `${JSON.stringify(slice)} is no name of a slice`;
    throw invalidResource(summary, POINTER, "a slice is named like system.slice or a-b.slice");
  }
  return words.map((_, k) => folder(`${words.slice(0, k + 1).join("-")}.slice`)).join("");
}

/** Where a unit's cgroup lies below its manager's. */
export function unitPath({ unit, slice }: UnitName): string {
  return unit.endsWith(".slice") ? slicePath(unit) : slicePath(slice) + folder(unit);
}

/** An id with what a unit's name can't have as `\xNN`. */
function escaped(id: string): string {
  return id.replaceAll(
    /[^A-Za-z0-9:_.-]/g,
    (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** What begins a file's name in a cgroup. */
const CONTROLLERS = /^(?:cgroup|cpu|cpuacct|cpuset|io|blkio|memory|devices|pids|bpf-[a-z-]+)\./;

/** A folder of that name; systemd puts `_` before what could be a file of the kernel's. */
function folder(unit: string): string {
  return /^[_.]/.test(unit) || CONTROLLERS.test(unit) ? `/_${unit}` : `/${unit}`;
}

function checked(unit: string): string {
  if (/^[A-Za-z0-9:_.\\-][A-Za-z0-9:_.\\@-]*$/.test(unit) && unit.length <= MAX_LENGTH) return unit;
  throw invalidResource(
    `${JSON.stringify(unit)} can't be the name of a unit`,
    POINTER,
    `at most ${MAX_LENGTH} letters, digits, and : - _ . \\ @`,
  );
}
