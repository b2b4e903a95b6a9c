import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ListedItem } from "../../init/listing/listing.ts";
import { type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { parseTrace, type TracedCall } from "../fixtures/strace.ts";

Deno.test("plan prints every step of a runc spec bundle, with the fields they come from", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("exit 0");
  const text = await hull.must("plan", "-b", bundle.folder);
  for (
    const part of [
      "\nclone:\n",
      "\nmounts:\n",
      "\npivot:\n",
      "mount proc at /proc (/mounts/0)",
      'fsopen("proc", FSOPEN_CLOEXEC)',
      "pivot_root(",
      'sethostname("runc", 4)',
      "(/process/args/0)",
      "look for the program at /bin/sh (/process/args/0)",
      'execve(<value of found at 0>, ["sh", "-c", "exit 0"]',
    ]
  ) assertStringIncludes(`\n${text}`, part);
  const items = JSON.parse(await hull.must("plan", "--json", "-b", bundle.folder)) as ListedItem[];
  assert(items.length > 100);
  assertEquals([...Deno.readDirSync(hull.root)], []);
});

for (const kind of ["direct", "reexec"]) {
  Deno.test(`strace sees the calls of the plan in its order, for a runc spec bundle: ${kind}`, async () => {
    await compare(kind, "exit 7", () => {});
  });

  Deno.test(`strace sees the calls of the plan in its order, with much in the config: ${kind}`, async () => {
    await compare(kind, "exit 7", askForMuch);
  });
}

function askForMuch(config: Draft): void {
  config.process.user = { uid: 1000, gid: 1000, additionalGids: [4] };
  config.linux.sysctl = { "net.ipv4.ip_unprivileged_port_start": "99" };
  config.mounts.push(
    { destination: "/new/folder", type: "bind", source: "/usr/share", options: ["rbind", "ro"] },
    { destination: "/data", type: "tmpfs", source: "tmpfs", options: ["size=64k", "nosuid"] },
  );
  config.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229 }];
  config.root.readonly = false;
  config.process.noNewPrivileges = false;
  config.linux.seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdirat"], action: "SCMP_ACT_ERRNO" }],
  };
}

async function compare(
  kind: string,
  script: string,
  change: (config: Draft) => void,
): Promise<void> {
  await using hull = new Hull();
  using bundle = makeBundle(script, change);
  using scratch = scratchFolder();
  const id = "hull-trace";
  // Which signals are ignored depends on who starts hull: strace, both times. What a job in the
  // background ignores goes first: run listens for it, and leaves init nothing to reset.
  const planned = await new Deno.Command("env", {
    args: [
      "--default-signal",
      "strace",
      "-o",
      "/dev/null",
      ...HULL,
      "--root",
      hull.root,
      "plan",
      "--json",
      "--init",
      kind,
      "-b",
      bundle.folder,
      id,
    ],
    stdin: "null",
    stdout: "piped",
  }).output();
  const plan = JSON.parse(new TextDecoder().decode(planned.stdout)) as ListedItem[];
  const file = `${scratch.path}/trace`;
  const call = [...HULL, "--root", hull.root, "run", "--init", kind, "-b", bundle.folder, id];
  const { code, stderr } = await new Deno.Command("env", {
    args: ["--default-signal", "strace", "-f", "-s", "4096", "-v", "-o", file, ...call],
    stdin: "null",
    stdout: "piped", // like the plan's: which streams the user is given depends on what they are
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [7, ""]);
  // The trampoline jumps by a call that no kernel has, number -1.
  const calls = parseTrace(await Deno.readTextFile(file))
    .filter(({ name }) => name !== "syscall_0xffffffffffffffff");
  const border = plan.findIndex(({ syscall }) => /^execve(at)?$/.test(syscall ?? "")) + 1;
  const clone = calls.find(({ name, args }) => name === "clone3" && args.includes("CLONE_NEWNS"));
  assert(clone !== undefined, "no clone3 with new namespaces was seen");
  const own = calls.filter(({ pid }) => pid === clone.result);
  follow(plan.slice(1, border), own, 0);
  const init = plan.slice(border);
  // Deno itself makes some of the calls, too, before init comes to its plan.
  const isStart = ({ name, args }: TracedCall) =>
    name === init[0]?.syscall && args.startsWith("PR_SET_DUMPABLE");
  const starts = own.flatMap((call, at) => isStart(call) ? [at] : []);
  const end = starts.map((at) => tryFollow(init, own, at)).find((at) => typeof at === "number");
  assert(end !== undefined, String(tryFollow(init, own, starts.at(-1) ?? 0)));
}

function tryFollow(plan: readonly ListedItem[], calls: readonly TracedCall[], at: number) {
  try {
    return follow(plan, calls, at);
  } catch (error) {
    return error;
  }
}

/**
 * Walks the plan as the kernel's answers lead, and compares each call.
 *
 * @returns the position behind the last call
 */
function follow(plan: readonly ListedItem[], calls: readonly TracedCall[], from: number): number {
  let at = from;
  const labels = new Map(plan.map(({ label }, index) => [label, index]));
  for (let index = 0; index < plan.length;) {
    const item = plan[index] as ListedItem;
    if (item.syscall === "jump") {
      index = labels.get(item.onError) as number;
      continue;
    }
    const call = calls[at++];
    const where = `call ${index} of the plan (${item.reason})`;
    // What the kernel fills in, or has filled in before, the plan can't know.
    const isRead = ["read", "rt_sigaction"].includes(item.syscall) ||
      item.args.some((arg) => arg === "[4096 bytes]");
    const [all = [], planned] = [call?.args ?? "", item.args.join(", ")].map(strings)
      // A keyring's name is the planned one with what nobody can know.
      .map((texts) => texts.map((text) => text.replace(/^(_ses\.[^.]+)\..*/, "$1")));
    const seen = item.args[0] === "<value of found at 0>" ? all.slice(1) : all;
    assertEquals(
      [call?.name, isRead ? [] : seen],
      [item.syscall, isRead ? [] : planned],
      where,
    );
    index = next(item, call as TracedCall, index, labels);
  }
  return at;
}

function next(
  { onError, onPositive, tolerated }: ListedItem,
  { result, errno }: TracedCall,
  index: number,
  labels: ReadonlyMap<string | undefined, number>,
): number {
  if (errno !== undefined && errno !== tolerated) {
    assert(onError !== undefined, `call ${index} failed with ${errno}`);
    return onError === "continue" ? index + 1 : labels.get(onError) as number;
  }
  return result > 0 && onPositive !== undefined ? labels.get(onPositive) as number : index + 1;
}

/** The strings among the arguments: paths, names, values; an environment has its own test. */
function strings(args: string): string[] {
  const shown = args.replace(/, \[[^\]]*\](?: \/\* \d+ vars \*\/)?$/, "");
  return [...shown.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text);
}
