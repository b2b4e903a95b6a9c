/** `hull doctor`. @module */

import { diagnose } from "../../doctor/diagnose.ts";
import { failed, type Finding, ok } from "../../doctor/finding.ts";
import { ContainerError } from "../../errors.ts";
import type { Factory } from "../../factory.ts";
import { Process } from "../../process.ts";
import { VERSION } from "../../version.ts";
import { NotHere } from "../caller/caller.ts";
import { type Command, isOn } from "../flags/command.ts";
import { explained } from "../output/failure.ts";
import { OWN_WORDS } from "../output/own_words.ts";

const MISSING = 1;
const START_MS = 20_000;

/** Looks whether containers can run here. */
export const command: Command = {
  synopsis: "",
  description:
    "Looks whether containers can run here, for whoever calls it: a line for each thing that hull\n" +
    "needs, ok, warning or problem, with what to do about it. At last it starts a container, with\n" +
    "the global flags that are given (--systemd-cgroup, --root). The exit code is 1 if something\n" +
    "needed is missing.",
  flags: [
    { name: "json", summary: "print the findings as JSON" },
    { name: "no-start", summary: "start no container" },
  ],
  arity: [0, 0],
  onlyLooks: true,
  async run({ flags, factory, output, caller }) {
    if (caller.isOther) throw new NotHere(); // limits and rights are those of each process
    const findings = (await diagnose()).map(inOwnWords);
    if (!isOn(flags, "no-start")) findings.push(await startFinding(factory));
    const isFine = findings.every(({ level }) => level !== "problem");
    if (isOn(flags, "json")) {
      const versions = { hull: VERSION, deno: Deno.version.deno };
      output.printJson({ ok: isFine, ...versions, findings });
    } else {
      for (const finding of findings) output.print(lineOf(finding));
      output.print(`${conclusion(findings)}\n`);
    }
    return isFine ? 0 : MISSING;
  },
};

/** Starts a container of the built-in default, and waits for its end. */
async function startFinding(makeFactory: () => Promise<Factory>): Promise<Finding> {
  const signal = AbortSignal.timeout(START_MS);
  const begin = performance.now();
  try {
    const factory = await makeFactory();
    const id = `hull-doctor-${crypto.randomUUID()}`;
    await using container = await factory.create(id, undefined, { signal });
    const process = new Process({ args: ["true"], stdin: "null", stdout: "null", stderr: "null" });
    await container.run(process, { signal });
    await process.wait({ signal });
    const ms = Math.round(performance.now() - begin);
    return ok(
      "start",
      `a container of the built-in default ran (${ms} ms), state in ${factory.root}`,
    );
  } catch (error) {
    const told = signal.aborted
      ? new ContainerError("SystemError", `no container started within ${START_MS / 1000} seconds`)
      : explained(error);
    return failed("start", "problem", told, "see hull --debug run hull-doctor -- true");
  }
}

/** A library's remedy names its options; here these are flags. */
function inOwnWords(finding: Finding): Finding {
  const words = OWN_WORDS.get(finding.remedy ?? "");
  return words === undefined ? finding : { ...finding, remedy: words };
}

function lineOf({ level, area, message, remedy }: Finding): string {
  const told = message.replaceAll(/\s*\n\s*/g, " ");
  const todo = remedy === undefined ? "" : `; to do: ${remedy}`;
  return `${level.padEnd(7)}  ${area.padEnd(10)}  ${told}${todo}\n`;
}

function conclusion(findings: readonly Finding[]): string {
  const count = (wanted: Finding["level"]) =>
    findings.filter(({ level }) => level === wanted).length;
  const problems = count("problem");
  const warnings = count("warning");
  const many = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const said = problems > 0
    ? `something that containers need is missing: ${many(problems, "problem")}`
    : "containers can run here";
  return warnings === 0 ? said : `${said}, ${many(warnings, "warning")}`;
}
