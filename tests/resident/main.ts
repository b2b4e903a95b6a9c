/**
 * `scripts/test --resident`: runs a command of tests while a resident serves those that call hull.
 *
 *     main.ts up|killed FOLDER COMMAND...
 *
 * `killed`: the resident is killed a second after it has begun, and another is begun. Commands go
 * without it in between, and so they do where it serves none of their kind; but that all go without
 * it is no success.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import { COLD_FILES } from "./cold_files.ts";
import { CountedClient } from "./counted_client.ts";
import { Serving } from "./serving.ts";

const LIFE_MS = 1000;
/** What is read by scripts/test. */
const SAYS = "RESIDENT: ";

async function main([mode = "", folder = "", program = "", ...args]: string[]): Promise<number> {
  Deno.mkdirSync(folder, { recursive: true });
  const client = new CountedClient(folder);
  const serving = await Serving.begin(client, `${folder}/log`);
  const before = client.cold;
  const child = new Deno.Command(program, {
    args: [...args, ...leftOut(args)],
    env: { HULL_TEST_CLIENT: client.path, HULL_TEST_RESIDENT: mode },
  }).spawn();
  let isOver = false;
  const ended = child.status.then(({ code }) => {
    isOver = true;
    return code;
  });
  while (mode === "killed" && !isOver) {
    await Promise.race([pause(LIFE_MS), ended]);
    if (!isOver) await serving.killAndBegin();
  }
  const code = await ended;
  const { served, said } = await serving.end();
  const all = served + client.cold - before;
  console.log(`${SAYS}${served} of ${all} commands were served by it`);
  for (const line of said.split("\n").filter((line) => line !== "")) console.log(SAYS + line);
  if (served * 2 > all || all === 0 || code !== 0) return code;
  console.log(`${SAYS}too few: this says little of a resident`);
  return 1;
}

/** A section's files that are of cold commands alone; those that are named are run. */
function leftOut(args: readonly string[]): string[] {
  if (args.some((word) => word.endsWith("_test.ts"))) return [];
  for (const [file, reason] of Object.entries(COLD_FILES)) {
    const isOfSection = args.includes("integration") === file.startsWith("tests/integration");
    if (isOfSection) console.log(`SKIP: ${file}: ${reason}`);
  }
  return [`--ignore=${Object.keys(COLD_FILES).join()}`];
}

Deno.exit(await main(Deno.args));
