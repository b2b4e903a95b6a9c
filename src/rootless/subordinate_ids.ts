/**
 * The ids that a host gives an ordinary user for containers.
 *
 * Source: subuid(5), subgid(5), passwd(5).
 *
 * @module
 */

import { optionalText } from "../../ffi/files/optional_text.ts";

/** A range of ids of the host. */
export interface IdRange {
  readonly start: number;
  readonly size: number;
}

const MAX_ID = 0xfffffffe;

/**
 * The ranges of a user in the text of /etc/subuid or /etc/subgid, in its order. An entry names the
 * user by name or by number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rangesIn } from "./subordinate_ids.ts";
 *
 * const text = "web:100000:65536\n1000:300000:10\n";
 * assertEquals(rangesIn(text, ["dev", "1000"]), [{ start: 300000, size: 10 }]);
 * ```
 */
export function rangesIn(text: string, names: readonly string[]): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", start = "", size = "", more] = line.trim().split(":");
    if (!names.includes(name) || more !== undefined) return [];
    if (!/^\d+$/.test(start) || !/^\d+$/.test(size)) return [];
    const range = { start: Number(start), size: Number(size) };
    return range.size > 0 && range.start + range.size - 1 <= MAX_ID ? [range] : [];
  });
}

/**
 * The same ids, each once: a map can't hold one twice, and entries may overlap, or hold what the
 * user has anyway.
 *
 * @param own the user's own id
 * @param most how many ranges are wanted; further ones are left out
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { disjoint } from "./subordinate_ids.ts";
 *
 * const ranges = [{ start: 10, size: 4 }, { start: 12, size: 5 }];
 * assertEquals(disjoint(ranges, 11, 9), [
 *   { start: 10, size: 1 },
 *   { start: 12, size: 2 },
 *   { start: 14, size: 3 },
 * ]);
 * ```
 */
export function disjoint(ranges: readonly IdRange[], own: number, most: number): IdRange[] {
  const kept: IdRange[] = [];
  for (const range of ranges) {
    if (kept.length >= most) break;
    const taken = [{ start: own, size: 1 }, ...kept];
    kept.push(...taken.reduce((parts, each) => parts.flatMap((part) => without(part, each)), [
      range,
    ]));
  }
  return kept.slice(0, most);
}

/** What is left of a range: up to two. */
function without({ start, size }: IdRange, taken: IdRange): IdRange[] {
  const end = start + size;
  const before = Math.min(end, taken.start) - start;
  const after = Math.max(start, taken.start + taken.size);
  return [{ start, size: before }, { start: after, size: end - after }]
    .filter((part) => part.size > 0);
}

/** The names of a user in the text of /etc/passwd. */
export function namesOf(passwd: string, uid: number): string[] {
  return passwd.split("\n").flatMap((line) => {
    const [name = "", , number] = line.split(":");
    return name !== "" && number === String(uid) ? [name] : [];
  });
}

/**
 * What the host gives this user.
 *
 * @param etc the folder of the files
 */
export function subordinateIds(
  uid: number,
  etc = "/etc",
): { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] } {
  const known = namesOf(optionalText(`${etc}/passwd`), uid);
  // A directory service may know the user alone; if the variable is wrong, newuidmap refuses.
  const user = known.length > 0
    ? known
    : [Deno.env.get("USER") ?? ""].filter((name) => name !== "");
  const names = [...user, String(uid)];
  const of = (file: string) => rangesIn(optionalText(`${etc}/${file}`), names);
  return { uids: of("subuid"), gids: of("subgid") };
}
