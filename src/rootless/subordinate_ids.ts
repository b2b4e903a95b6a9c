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
