/**
 * `scripts/test --host KIND`: runs tests on another kind of host: here if this is one, else in
 * machines that are made for it, some files in each.
 *
 *     main.ts KIND RELEASE VERBOSE FILTER [SECTION|FILE ...]
 *
 * Prints what the runs print, and their sum as the last line.
 *
 * @module
 */

import { findAccelerator } from "./accelerator.ts";
import { batchesOf, filesOf, type Wish } from "./batches.ts";
import { CacheFolder } from "./cache.ts";
import { must } from "./command.ts";
import { makeBootFiles } from "./kernel.ts";
import { isHere, isKind, type Kind, KINDS } from "./kinds.ts";
import { type MachineModel, runInMachine } from "./machine.ts";
import { Refusal } from "./refusal.ts";
import { makeRoot } from "./root.ts";
import { DENO_DIR, sharesOf } from "./project_shares.ts";
import { add, NONE, showSum, type Sum, SumReader } from "./sums.ts";

const PROJECT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const FILES_AT_ONCE = 8;
/** Of a machine, which may have no CPU but an imitated one. */
const SECONDS = 3600;
/** The exit status for wrong words. */
const USAGE = 2;

interface Words extends Wish {
  readonly kind: Kind;
  readonly release: string;
  readonly verbose: boolean;
}

function parse([kind = "", release = "", verbose = "", filter = "", ...rest]: string[]): Words {
  if (!isKind(kind)) {
    const known = Object.entries(KINDS).map(([name, what]) => `${name} (${what})`).join("; ");
    throw new Refusal(`--host: no kind of host is called ${kind}; there are: ${known}`);
  }
  const files = rest.filter((word) => word.endsWith("_test.ts"));
  const sections = rest.filter((word) => !files.includes(word));
  return { kind, release, verbose: verbose === "true", filter, files, sections };
}

/** The words of scripts/test for some files. */
function testWords({ filter, verbose }: Words, rest: readonly string[]): string[] {
  const named = filter === "" ? [] : ["--filter", filter];
  return [`${PROJECT}/scripts/test`, ...named, ...(verbose ? ["--verbose"] : []), ...rest];
}

async function runHere(words: Words): Promise<number> {
  const { kind, filter } = words;
  const named = filter === "" && kind === "rootless" ? filesOf(words, PROJECT, kind) : words.files;
  const sections = named.length > 0 ? [] : words.sections;
  const [program = "", ...args] = testWords(words, [...named, ...sections]);
  const env = variables(words);
  return (await new Deno.Command(program, { args, env }).spawn().status).code;
}

async function makeModel({ kind, release }: Words): Promise<MachineModel> {
  if (Deno.build.arch !== "x86_64") throw new Refusal("machines are made on x86_64 alone");
  await must("no machine", `${PROJECT}/scripts/setup`, "--hosts");
  using cache = await CacheFolder.take(release);
  const root = await makeRoot(cache, release);
  const boot = await makeBootFiles(cache, root);
  const accelerator = await findAccelerator(cache, { root, boot });
  return { kind, root, boot, accelerator, shares: await sharesOf(PROJECT) };
}

async function runBatch(
  words: Words,
  model: MachineModel,
  files: readonly string[],
  signal: AbortSignal,
): Promise<Sum> {
  const reader = new SumReader((line) => console.log(line));
  const job = {
    words: testWords(words, files),
    folder: PROJECT,
    environment: { ...variables(words), DENO_DIR },
    seconds: Number(Deno.env.get("HULL_HOST_SECONDS") ?? SECONDS),
    onOutput: (text: string) => reader.read(text),
    signal,
  };
  try {
    await runInMachine(model, job);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    reader.end();
    console.log(`${error.message}; its files: ${files.join(" ")}`);
    return { ...NONE, failed: 1 };
  }
  return reader.end() ?? { ...NONE, failed: 1 };
}

/**
 * What the tests are told by variables counts in the machine as well. An ordinary user is let limit
 * processes by the session's systemd alone.
 */
function variables({ kind }: Words): Record<string, string> {
  const own = Object.entries(Deno.env.toObject())
    .filter(([name]) => /^HULL_(TEST|DIFFERENTIAL)_/.test(name));
  const driver = kind === "rootless" ? { HULL_TEST_CGROUP_DRIVER: "systemd" } : {};
  return { ...driver, ...Object.fromEntries(own), HULL_TEST_HOST: kind };
}

async function runInMachines(words: Words): Promise<number> {
  const most = Number(Deno.env.get("HULL_HOST_FILES") ?? FILES_AT_ONCE);
  const batches = batchesOf(filesOf(words, PROJECT, words.kind), most, words.filter);
  const model = await makeModel(words);
  const ending = new AbortController();
  const end = () => ending.abort();
  Deno.addSignalListener("SIGINT", end);
  Deno.addSignalListener("SIGTERM", end);
  let sum = NONE;
  for (const [k, files] of batches.entries()) {
    if (ending.signal.aborted) return 130;
    const begin = performance.now();
    console.log(`machine ${k + 1} of ${batches.length}: ${words.kind}, ${model.accelerator}`);
    sum = add(sum, await runBatch(words, model, files, ending.signal));
    console.log(`machine ${k + 1} took ${Math.round((performance.now() - begin) / 1000)} s`);
  }
  console.log(showSum(sum));
  return sum.failed === 0 ? 0 : 1;
}

try {
  const words = parse(Deno.args);
  Deno.exit(await (isHere(words.kind) ? runHere(words) : runInMachines(words)));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(`scripts/test: ${error.message}`);
  Deno.exit(USAGE);
}
