/**
 * Reads what the probe printed, and takes out what differs from run to run.
 *
 * @module
 */

/** Each line of the probe as a fact; mounts by their places. */
export function insideFacts(printed: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  const mounts: string[] = [];
  let own = "";
  for (const line of printed.split("\n")) {
    const tab = line.indexOf("\t");
    if (tab < 0) {
      if (line !== "") facts.set(`line ${facts.size}`, line);
      continue;
    }
    const key = line.slice(0, tab);
    const value = line.slice(tab + 1);
    if (key === "mount") mounts.push(value.replaceAll("\\x5c", "\\"));
    else if (key === "number") own = value;
    else facts.set(uniqueIn(facts, key), value);
  }
  for (const [name, fact] of mountFacts(mounts, own)) facts.set(name, fact);
  return facts;
}

function uniqueIn(facts: ReadonlyMap<string, string>, key: string): string {
  let name = key;
  for (let k = 2; facts.has(name); k++) name = `${key} (${k})`;
  return name;
}

interface Mount {
  readonly id: string;
  readonly parent: string;
  readonly place: string;
  readonly rest: string;
}

/**
 * The mount table, as far as it can be reached: what lies below another mount is seen by nobody. Ids,
 * device numbers and the groups of propagation are each run's own; the order is the order in which they
 * were made, which shows in nothing but this file. A process's number is its run's own as well.
 *
 * @param own the number of the program's process
 */
function mountFacts(lines: readonly string[], own: string): ReadonlyMap<string, string> {
  const mounts = lines.flatMap((line) => parseMount(withoutNumber(line, own)) ?? []);
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const over = new Map(mounts.map((mount) => [`${mount.parent} ${mount.place}`, mount]));
  const facts = new Map<string, string>();
  for (const mount of mounts) {
    if (mountAt(mount.place, mounts, byId, over) !== mount) continue;

    facts.set(`mount ${mount.place}`, mount.rest);
  }
  return facts;
}

/** A line of the mount table with names in the places of processes' numbers; 1 is the same for all. */
function withoutNumber(line: string, own: string): string {
  const named = (number: string) => number === own ? "own" : "other";
  return line
    .replace(/(?<= \/proc\/)(?!1[/ ])\d+(?=[/ ])/, named)
    .replace(/(?<=^\d+ \d+ \S+ \/)(?!1[/ ])\d+(?=[/ ].* - proc )/, named);
}

/** The mount that a path leads to. */
function mountAt(
  place: string,
  mounts: readonly Mount[],
  byId: ReadonlyMap<string, Mount>,
  over: ReadonlyMap<string, Mount>,
): Mount | undefined {
  let here = mounts.find(({ parent }) => !byId.has(parent));
  const names = place.split("/").filter((name) => name !== "");
  // What lies over the root itself is not seen: a path begins below it.
  for (let k = 1; k <= names.length; k++) {
    const path = "/" + names.slice(0, k).join("/");
    for (let top = here; top !== undefined; top = over.get(`${top.id} ${path}`)) here = top;
  }
  return here;
}

function parseMount(line: string): Mount | undefined {
  const [id, parent, , root, place, options, ...rest] = line.split(" ");
  if (id === undefined || parent === undefined || place === undefined) return undefined;
  const dash = rest.indexOf("-");
  const groups = rest.slice(0, dash).map((word) => word.replace(/:\d+/, ""));
  const kind = rest.slice(dash + 1).join(" ");
  return { id, parent, place, rest: `${root} ${options} ${groups.sort().join(",")} ${kind}` };
}
