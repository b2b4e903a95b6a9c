/**
 * Writes a case's bundle, cheaply: programs are hard links.
 *
 * @module
 */

import { BASE_CONFIG, BASE_EXEC, BASE_HOST, BASE_ROOTFS, PROBE } from "./base.ts";
import { OWN_CGROUP } from "./grammar_wide.ts";
import { edited, type Json, type Part, type Shape } from "./case.ts";

/** What a runtime is called with. */
export interface Written {
  /** Flags of `run`. */
  readonly flags: readonly string[];
  /** Whether an `exec` follows. */
  readonly exec: boolean;
  /** The resources of an `update` that follows. */
  readonly update?: string;
}

/** Writes the bundle of a case. `program` lies on the same file system. */
export function writeBundle(folder: string, program: string, drawn: readonly Part[]): Written {
  const parts = drawn.map((part) => ownCgroup(folder, part));
  const exec = parts.some(({ kind }) => kind.startsWith("exec"));
  const config = configOf(parts);
  Deno.mkdirSync(`${folder}/rootfs`, { recursive: true });
  Deno.mkdirSync(`${folder}/host`);
  for (const [place, shape] of BASE_ROOTFS) put(`${folder}/rootfs/${place}`, shape, program);
  for (const [place, shape] of BASE_HOST) put(`${folder}/host/${place}`, shape, program);
  Deno.writeTextFileSync(`${folder}/rootfs/.probe`, placesOf(config).join("\n") + "\n");
  for (const part of parts) if (part.kind === "entry") place(folder, part, program);
  Deno.linkSync(program, `${folder}/probe`);
  Deno.writeTextFileSync(`${folder}/config.json`, textOf(config));
  if (exec) {
    Deno.writeTextFileSync(`${folder}/process.json`, textOf(edited(BASE_EXEC, ofExec(parts))));
  }
  const flags = parts.flatMap((part) => part.kind === "flag" ? [part.word] : []);
  const updates = parts.flatMap((part) =>
    part.kind === "update" ? [{ ...part, kind: "set" as const }] : []
  );
  const update = updates.length === 0 ? {} : { update: textOf(edited({}, updates)) };
  return { flags: [...new Set(flags)], exec, ...update };
}

/** The parts of an exec's process.json. */
function ofExec(parts: readonly Part[]): Part[] {
  return parts.flatMap((part): Part[] => {
    if (part.kind === "exec") return [{ ...part, kind: "set" }];
    return part.kind === "execless" ? [{ ...part, kind: "unset" }] : [];
  });
}

/** A document with the number that stands for no limit, which JavaScript rounds up. */
function textOf(document: Json): string {
  return JSON.stringify(document).replaceAll("18446744073709552000", "18446744073709551615");
}

/** A cgroup is the host's: each worker of each soak has one of its own name. */
function ownCgroup(folder: string, part: Part): Part {
  if (part.kind !== "set" || part.at !== "/linux/cgroupsPath") return part;
  const drawn = String(part.value);
  const own = cgroupOf(folder);
  const value = drawn.includes(OWN_CGROUP) ? drawn.replaceAll(OWN_CGROUP, own) : `/${own}/case`;
  return { ...part, value };
}

/** The name of the cgroup that holds those of a worker's cases, by a folder of its own. */
export function cgroupOf(folder: string): string {
  const [soak = "", worker = ""] = folder.split("/").slice(-3);
  return `${soak}-${worker}`;
}

/** The config.json of a case. */
export function configOf(parts: readonly Part[]): Json {
  const edits = parts.filter(({ kind }) => !/^exec|^update/.test(kind));
  if (edits.length === parts.length) return edited(BASE_CONFIG, edits);
  return edited(BASE_CONFIG, [...edits, {
    kind: "set",
    at: "/process/args",
    value: [PROBE, "wait"],
  }]);
}

/** The places that a config speaks of, for the probe to look at. */
function placesOf(config: Json): string[] {
  const linux = (config as Record<string, Record<string, Json>>)["linux"] ?? {};
  const lists = [linux["maskedPaths"], linux["readonlyPaths"]];
  const paths = lists.flatMap((list) => Array.isArray(list) ? list : []);
  return [...new Set(paths.filter((path) => typeof path === "string" && !path.includes("\n")))];
}

function place(folder: string, part: Part & { kind: "entry" }, program: string): void {
  const rootfs = `${folder}/rootfs`;
  const { place, shape } = part;
  if (place === "") {
    if (shape.type === "folder") Deno.chownSync(rootfs, shape.owner ?? 0, shape.owner ?? 0);
    return;
  }
  // a part before may have made a link of a folder above, and so a way out of the rootfs
  const names = place.split("/");
  const above = names.map((_, k) => `${rootfs}/${names.slice(0, k).join("/")}`);
  if (!above.every((path) => lstat(path)?.isDirectory === true)) return;
  const path = `${rootfs}/${place}`;
  if (lstat(path) !== undefined) Deno.removeSync(path, { recursive: true });
  put(path, shape, program);
}

function put(path: string, shape: Shape, program: string): void {
  switch (shape.type) {
    case "folder":
      Deno.mkdirSync(path);
      break;
    case "file":
      Deno.writeTextFileSync(path, shape.content);
      break;
    case "link":
      return Deno.symlinkSync(shape.target, path);
    case "program":
      return Deno.linkSync(program, path);
    case "fifo":
      new Deno.Command("mkfifo", { args: [path] }).outputSync();
      return;
    case "missing":
      return;
  }
  if (shape.owner !== undefined) Deno.chownSync(path, shape.owner, shape.owner);
  Deno.chmodSync(path, shape.mode ?? (shape.type === "folder" ? 0o755 : 0o644));
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}
