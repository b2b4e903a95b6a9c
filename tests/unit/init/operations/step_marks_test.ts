import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { planLaunch } from "../../../../init/launch/launch.ts";
import type { PlanItem, StepName } from "../../../../init/operations/operation.ts";
import { planInit } from "../../../../init/plan.ts";
import {
  mapMarks,
  MARKS_SIZE,
  markSteps,
  OWN_ADDRESS,
} from "../../../../init/operations/step_marks.ts";
import { defaultSpec } from "../../../../src/create/builtin_spec.ts";
import type { InitConfig } from "../../../../init/operations/init_config.ts";
import { planBirth } from "../../../../src/birth/birth.ts";
import { TableFacts } from "../../../fixtures/table_facts.ts";

const PLACE = { address: 0x7000_0000n, first: 32, clock: 1 };
const FILTER = { program: "IAAAAAAAAAAGAAAAAAD/fw==", flags: 0, unknown: [] };
const LISTENER = { ...FILTER, flags: 8 };

/** A whole plan of `runc spec`'s kind, with hooks. */
function plan(more: Partial<InitConfig> = {}, hasOpenat2 = true): readonly PlanItem[] {
  const spec = defaultSpec({ cgroup2: true });
  const config = { ...spec, hooks: { createRuntime: [{ path: "/bin/true" }] } };
  return planInit({
    id: "marks",
    rootfs: "/bundle/rootfs",
    config,
    fds: { status: 3, control: 4, start: 5 },
    preserveFds: 0,
    cgroups: { version: 2, late: [{ controller: "", fd: 6 }], mounts: [] },
    noPivot: false,
    keyring: "_ses.web",
    ...more,
  }, new TableFacts({ hasOpenat2, inside: { "/proc": "directory", "/dev": "directory" } }));
}

const call = (item: PlanItem) => "work" in item ? item.work : item.syscall;
const isMark = (item: PlanItem) => call(item) === "clock_gettime";

/** The headings that `hull plan` prints. */
function headings(items: readonly PlanItem[]): StepName[] {
  return items.map(({ step }) => step).filter((step, k, all) => step !== all[k - 1]);
}

Deno.test("each step begins with a look at the clock, and nothing else of the plan changes", () => {
  const planned = plan();
  const { items, steps } = markSteps(planned, PLACE);
  assertEquals(items.filter((item) => !isMark(item)), planned);
  assertEquals(steps.map(({ step }) => step), headings(planned));
  assertEquals(items.filter(isMark).length, steps.length);
  items.forEach((item, k) => {
    const begins = k === 0 || items[k - 1]?.step !== item.step;
    assertEquals(isMark(item), begins, `item ${k}: ${item.reason}`);
  });
  const marks = steps.map(({ mark }) => mark);
  assertEquals(marks, steps.map((_, k) => 32 + 16 * k));
  const [first, second] = items.filter(isMark).map((item) => "work" in item ? [] : item.args);
  assertEquals([first, second], [[1, 0x7000_0020n], [1, 0x7000_0030n]]);
});

Deno.test("a step tells what it does, each reason with its calls", () => {
  const { steps } = markSteps(plan(), PLACE);
  const hostname = steps.find(({ step }) => step === "hostname");
  assertEquals(hostname?.operations[0], "set the host name (/hostname): sethostname");
});

Deno.test("behind a filter stands no look at the clock", () => {
  for (const seccomp of [FILTER, LISTENER]) {
    const { items, steps } = markSteps(plan({ seccomp }), PLACE);
    const filter = items.findIndex((item) => call(item) === "seccomp");
    assert(filter > 0 && isMark(items[filter - 1] as PlanItem));
    assertEquals(items.slice(filter).filter(isMark), []);
    const behind = steps.slice(steps.findIndex(({ step }) => step === "seccomp") + 1);
    assert(behind.length > 0);
    for (const { mark, silent = "" } of behind) {
      assertEquals(mark, undefined);
      assertStringIncludes(silent, "behind the filter");
    }
  }
});

Deno.test("no jump of a plan passes over a mark, but to the ends of clones", () => {
  const fds = [{ fd: 10, as: 3 }];
  const cgroups = [
    { controller: "", inside: 9, late: false, isBirthplace: false, outside: undefined },
  ];
  const command = { path: "/bin/x", args: [], env: [] };
  const namespaces = [{ type: "pid", path: "/proc/2/ns/pid" }, { type: "user" }] as const;
  const options = {
    namespaces,
    cgroups: { version: 2, late: [], mounts: [] },
    control: 4,
  } as const;
  const plans: Readonly<Record<string, readonly PlanItem[]>> = {
    openat2: plan(),
    "no openat2": plan({}, false),
    filter: plan({ seccomp: FILTER }),
    listener: plan({ seccomp: LISTENER }),
    birth: planBirth({ namespaces: 0x1002_0000, init: command, cgroups, fds, mapped: 8 }),
    launch: planLaunch({ ...options, proc: 7, told: { reader: 11, writer: 12 } }, plan()),
  };
  const passed = Object.entries(plans).flatMap(([name, planned]) =>
    passedOver(markSteps(planned, PLACE).items).map((label) => `${name}: ${label}`)
  );
  assertEquals(passed.sort(), ["launch: launched"]);
});

/** The labels of jumps into a step past its mark. */
function passedOver(items: readonly PlanItem[]): string[] {
  const labels = new Map(items.map((item, k) => ["work" in item ? undefined : item.label, k]));
  return [
    ...new Set(items.flatMap((item, from) => {
      if ("work" in item) return [];
      return [item.onError, item.onPositive].flatMap((onward) => {
        if (typeof onward !== "object") return [];
        const to = labels.get(onward.jump) as number;
        const mark = items.findLastIndex((each, k) => k < to && isMark(each));
        return mark > from ? [onward.jump] : [];
      });
    })),
  ];
}

Deno.test("clones are counted, since each begins another process", () => {
  const namespaces = [{ type: "pid", path: "/proc/2/ns/pid" }] as const;
  const cgroups = { version: 2, late: [], mounts: [] } as const;
  const options = { namespaces, cgroups, control: 4, proc: 7, told: { reader: 11, writer: 12 } };
  const { steps } = markSteps(planLaunch(options, plan()), PLACE);
  assertEquals(steps.slice(0, 4).map(({ step, clones }) => [step, clones]), [
    ["clone", 0],
    ["namespaces", 1],
    ["clone", 1],
    [headings(plan())[0], 2],
  ]);
});

Deno.test("a plan with more steps than there is room for is marked as far as there is", () => {
  const many = Array.from({ length: 5000 }, (_, k): PlanItem => ({
    step: k % 2 === 0 ? "mounts" : "devices",
    reason: "",
    syscall: "getpid",
    args: [],
  }));
  const { items, steps } = markSteps(many, { ...PLACE, first: 0 });
  assertEquals(steps.length, 5000);
  assertEquals(items.filter(isMark).length, MARKS_SIZE / 16);
});

Deno.test("a program of its own maps the memory where its marks go, and closes the file", () => {
  const calls = mapMarks("identity", 9).map(({ syscall, args }) => [syscall, args[0]]);
  assertEquals(calls, [["mmap", OWN_ADDRESS], ["close", 9]]);
});

Deno.test("a step of more operations than a call takes arguments is marked as any other", () => {
  const one = { step: "masks", reason: "mask", syscall: "getpid", args: [] } as const;
  const { items } = markSteps(new Array<PlanItem>(300_000).fill(one), PLACE);
  assertEquals(items.length, 300_001);
});
