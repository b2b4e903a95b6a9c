/**
 * Runs a case on a runtime and notes all that can be seen: inside, how it ended, and on the host.
 *
 * @module
 */

import { writeBundle, type Written } from "./bundle.ts";
import type { Json, Part } from "./case.ts";
import { cgroupFacts } from "./cgroup_look.ts";
import { errorKind } from "./error_kind.ts";
import {
  cgroupsOf,
  mountTable,
  remountChanged,
  removeCgroup,
  treeOf,
  unmountAll,
} from "./host_look.ts";
import { insideFacts } from "./inside.ts";
import { newProcesses } from "./processes.ts";
import { call, type Ended, type Runtime } from "./runtimes.ts";

/** What was seen, each fact under its name. */
export type Facts = ReadonlyMap<string, string>;

/** What a runtime did with a case. */
export interface Observation {
  readonly facts: Facts;
  /** What it printed on its error stream, for the report. */
  readonly words: string;
}

/** Where cases run: a worker has one, in namespaces of its own. */
export interface Place {
  /** Where the bundle is made. */
  readonly bundle: string;
  /** The state folder that the runtimes get. */
  readonly root: string;
  /** The probe. */
  readonly program: string;
  /** The container's id. */
  readonly id: string;
}

/** Runs a case. */
export async function observe(
  runtime: Runtime,
  place: Place,
  parts: readonly Part[],
): Promise<Observation> {
  const { bundle, root, id } = place;
  const mounts = mountTable();
  const written = writeBundle(bundle, place.program, parts);
  Deno.mkdirSync(root, { recursive: true });
  const facts = new Map<string, string>();
  const run = ["run", ...runtime.run, ...written.flags, "--bundle", bundle];
  let words: string;
  if (written.exec || written.update !== undefined) {
    words = await runAndMore(runtime, place, run, facts, written);
  } else {
    const ended = await call(runtime, root, [...run, id]);
    words = note(facts, "run", ended);
  }
  for (const [name, fact] of newProcesses()) facts.set(`left process ${name}`, fact);
  for (const cgroup of cgroupsOf(id)) {
    facts.set(`left cgroup ${cgroup}`, "there");
    removeCgroup(cgroup); // each begins with what the host had before
  }
  for (const { name } of Deno.readDirSync(root)) facts.set(`left state ${name}`, "there");
  for (const line of remountChanged(mounts)) facts.set(`changed mount ${line.split(" ")[4]}`, line);
  const left = mountTable().filter((line) => !mounts.includes(line));
  for (const line of left) facts.set(`left mount ${line.split(" ")[4]}`, line);
  unmountAll(left);
  for (const [name, fact] of treeOf(bundle)) facts.set(`host ${name}`, fact);
  Deno.removeSync(bundle, { recursive: true });
  Deno.removeSync(root, { recursive: true });
  return { facts, words };
}

async function runAndMore(
  runtime: Runtime,
  place: Place,
  run: readonly string[],
  facts: Map<string, string>,
  { exec, update }: Written,
): Promise<string> {
  const { bundle, root, id } = place;
  const log = `${root}.log`;
  const { code } = await call(runtime, root, ["--log", log, ...run, "--detach", id], true);
  const stderr = textOf(log);
  if (code !== 0) {
    return note(facts, "run", { code, stdout: "", stderr });
  }
  const pid = await noteState(runtime, place, facts);
  for (const [name, fact] of cgroupFacts(pid, id)) facts.set(`cgroup ${name}`, fact);
  let words = "";
  if (update !== undefined) {
    const file = `${root}.update`;
    Deno.writeTextFileSync(file, update);
    const updated = await call(runtime, root, ["update", "--resources", file, id]);
    facts.set("update code", `${updated.code}`);
    words += updated.stderr;
    for (const [name, fact] of cgroupFacts(pid, id)) facts.set(`updated ${name}`, fact);
  }
  if (exec) {
    const words2 = ["exec", "--process", `${bundle}/process.json`, id];
    words += note(facts, "exec", await call(runtime, root, words2));
  }
  await call(runtime, root, ["kill", id, "KILL"]);
  const deleted = await call(runtime, root, ["delete", "--force", id]);
  facts.set("delete code", `${deleted.code}`);
  return words;
}

/** Notes what `state` says, but for the pid, the time and the version; gives the pid. */
async function noteState(
  runtime: Runtime,
  { root, id }: Place,
  facts: Map<string, string>,
): Promise<number> {
  const { code, stdout } = await call(runtime, root, ["state", id]);
  if (code !== 0) {
    facts.set("state code", `${code}`);
    return 0;
  }
  const state = JSON.parse(stdout) as Record<string, Json>;
  for (const [name, value] of Object.entries(state)) {
    if (!["pid", "created", "ociVersion"].includes(name)) {
      facts.set(`state ${name}`, JSON.stringify(value));
    }
  }
  return Number(state["pid"]);
}

function note(facts: Map<string, string>, what: string, ended: Ended): string {
  facts.set(`${what} code`, `${ended.code}`);
  facts.set(`${what} error`, errorKind(ended));
  for (const [name, fact] of insideFacts(ended.stdout)) facts.set(`inside ${name}`, fact);
  return ended.stderr;
}

/** What a log holds; it goes with being read. */
function textOf(log: string): string {
  try {
    const text = Deno.readTextFileSync(log);
    Deno.removeSync(log);
    return text;
  } catch {
    return "";
  }
}
