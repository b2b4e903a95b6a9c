/**
 * A virtual machine that does one thing and is gone.
 *
 * @module
 */

import { quote, ScratchFolder } from "./command.ts";
import type { BootFiles } from "./kernel.ts";
import type { Kind } from "./kinds.ts";
import { Refusal } from "./refusal.ts";
import { type Share, SharedFolder } from "./shares.ts";

/** What qemu runs the machine's code by: the CPU itself, or its own translation. */
export type Accelerator = "kvm" | "tcg";

/** What every machine of a run has. */
export interface MachineModel {
  /** What it boots. */
  readonly boot: BootFiles;
  /** The folder of its root. */
  readonly root: string;
  /** What it is. */
  readonly kind: Kind;
  /** What it sees of this host, at the same paths if `places` has no other. */
  readonly shares: readonly (Share & { readonly place?: string })[];
  /** How fast it is. */
  readonly accelerator: Accelerator;
}

/** What it is for. */
export interface Job {
  /** The command. */
  readonly words: readonly string[];
  /** Where it runs. */
  readonly folder: string;
  /** Variables, besides the usual ones. */
  readonly environment: Readonly<Record<string, string>>;
  /** The longest time. */
  readonly seconds: number;
  /** Told what it prints, as it comes. */
  readonly onOutput: (text: string) => void;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** How many bytes of memory it has; what it writes is in there as well. */
const MEMORY = "6G";
const GUEST = new URL("guest/", import.meta.url).pathname;
/**
 * An imitated CPU clears a page byte by byte where it has the fast instructions for it (erms), and
 * twice if the kernel clears what it gives away.
 */
const IMITATED = "max,erms=off,fsrm=off,la57=off";
const QUIET =
  "quiet loglevel=1 panic=-1 apparmor=1 mitigations=off init_on_alloc=0 net.ifnames=0 " +
  "systemd.show_status=0 systemd.log_level=err systemd.journald.forward_to_console=0";

/** Boots one, does the job, and gives its exit status; refuses where the machine breaks down. */
export async function runInMachine(model: MachineModel, job: Job): Promise<number> {
  using run = new ScratchFolder();
  const machine = `${run.path}/machine`;
  writeJob(machine, model, job);
  await using shares = new AsyncDisposableStack();
  const shown = [
    { tag: "root", folder: model.root },
    { tag: "machine", folder: machine, isLive: true },
    ...model.shares,
  ].map((share) => shares.use(new SharedFolder(share, run.path)));
  for (const folder of shown) await folder.ready();
  const child = startQemu(model, shown.flatMap(({ words }) => words), `${run.path}/console`);
  const complaint = new Response(child.stderr).text();
  const isInTime = await endOf(child, job);
  const status = readStatus(`${machine}/status`);
  if (status !== undefined) return status;
  if (!isInTime) throw new Refusal(`the machine was not done within ${job.seconds} s`);
  const said = await complaint + readText(`${run.path}/console`);
  const last = said.trim().split("\n").slice(-3).join(" | ");
  throw new Refusal(`the machine stopped before it was done: ${last}`);
}

/** What guest/job.sh and its kin read. */
function writeJob(machine: string, { kind, shares }: MachineModel, job: Job): void {
  Deno.mkdirSync(`${machine}/guest`, { recursive: true });
  for (const { name } of Deno.readDirSync(GUEST)) {
    Deno.copyFileSync(`${GUEST}${name}`, `${machine}/guest/${name}`);
  }
  const write = (name: string, lines: readonly string[]) =>
    Deno.writeTextFileSync(`${machine}/${name}`, lines.map((line) => `${line}\n`).join(""));
  write("shares", shares.map(({ tag, folder, place }) => `${tag} ${place ?? folder}`));
  const variables = Object.entries({ ...job.environment, hull_kind: kind });
  write("environment", variables.map(([name, value]) => `export ${name}=${quote([value])}`));
  write("words", [quote(job.words)]);
  write("folder", [job.folder]);
}

function startQemu(
  { boot, kind, accelerator }: MachineModel,
  shares: readonly string[],
  console: string,
): Deno.ChildProcess {
  const speed = accelerator === "kvm"
    ? ["-accel", "kvm", "-cpu", "host"]
    : ["-accel", "tcg,thread=multi", "-cpu", IMITATED];
  return new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "KILL", "qemu-system-x86_64", ...speed, "-smp", "2", "-m", MEMORY],
      ...["-nodefaults", "-no-reboot", "-display", "none"],
      ...["-kernel", boot.kernel, "-initrd", boot.initrd],
      ...["-append", `console=ttyS0 hull_kind=${kind} ${QUIET}`],
      // the first line is the kernel's, the second the job's
      ...["-serial", `file:${console}`, "-serial", "stdio"],
      ...["-object", `memory-backend-memfd,id=memory,size=${MEMORY},share=on`],
      ...["-numa", "node,memdev=memory", ...shares],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Passes on what it prints until it ends; whether it did so by itself. */
async function endOf(child: Deno.ChildProcess, job: Job): Promise<boolean> {
  let isInTime = true;
  const end = () => child.kill("SIGKILL");
  const timer = setTimeout(() => {
    isInTime = false;
    end();
  }, job.seconds * 1000);
  job.signal?.addEventListener("abort", end);
  try {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) job.onOutput(text);
    await child.status;
  } finally {
    clearTimeout(timer);
    job.signal?.removeEventListener("abort", end);
  }
  return isInTime;
}

function readStatus(file: string): number | undefined {
  const text = readText(file);
  return text === "" ? undefined : Number(text);
}

/** Nothing where the machine did not come so far. */
function readText(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    return "";
  }
}
