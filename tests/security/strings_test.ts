/**
 * CVE-2021-43784: no string is so long, and none holds such a byte, that the kernel or init would
 * read it as something else. The library refuses it before anything is made, and says where it is.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Config, ContainerError, Process } from "../../mod.ts";
import { leanBundle, Stage } from "../fixtures/attempt.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

/** Every field of the config that reaches the kernel as a string, by its JSON pointer. */
const FIELDS = [
  "/hostname",
  "/domainname",
  "/root/path",
  "/process/args/0",
  "/process/args/1",
  "/process/env/0",
  "/process/cwd",
  "/process/apparmorProfile",
  "/process/selinuxLabel",
  "/process/capabilities/bounding/0",
  "/process/rlimits/0/type",
  "/mounts/0/destination",
  "/mounts/0/type",
  "/mounts/0/source",
  "/mounts/0/options/0",
  "/linux/cgroupsPath",
  "/linux/namespaces/0/path",
  "/linux/maskedPaths/0",
  "/linux/readonlyPaths/0",
  "/linux/rootfsPropagation",
  "/linux/mountLabel",
  "/linux/devices/0/path",
  "/linux/sysctl/net.ipv4.ip_forward",
  "/linux/resources/unified/memory.high",
  "/annotations/key",
];

/** The config with a string at a pointer; what is missing on the way is made. */
function put(config: Config, pointer: string, text: string): Config {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  const parts = pointer.split("/").slice(1);
  const last = parts.pop() as string;
  let node = copy;
  parts.forEach((part, k) => {
    const next = parts[k + 1] ?? last;
    node = (node[part] ??= /^\d+$/.test(next) ? [] : {}) as Record<string, unknown>;
  });
  if (pointer === "/linux/devices/0/path") Object.assign(node, { type: "c", major: 1, minor: 3 });
  node[last] = text;
  return copy as unknown as Config;
}

const HOSTILE: Readonly<Record<string, string>> = {
  "a NUL byte at its end": "/proc/x=\0",
  "a NUL byte inside": "/a=b\0/c",
  "65,536 bytes": "/a=" + "b".repeat(65_533),
  "65,536 bytes in fewer characters": "/a=" + "é".repeat(32_767),
  "a mebibyte": "/a=" + "b".repeat(1 << 20),
};

for (const [what, text] of Object.entries(HOSTILE)) {
  Deno.test(`CVE-2021-43784: a string of ${what} is refused in every field, with its pointer`, async () => {
    await leavesNothing("hull-sec-string", async () => {
      using stage = new Stage();
      using bundle = leanBundle("true");
      for (const pointer of FIELDS) {
        const isArgument = /\/(args|env)\/\d+$/.test(pointer) && text.length < 131_072;
        const isFree = pointer.startsWith("/annotations");
        if (!text.includes("\0") && (isArgument || isFree)) continue; // passed whole: see below
        const error = await assertRejects(
          () =>
            stage.factory.create("hull-sec-string", put(bundle.config, pointer, text), {
              bundle: bundle.folder,
            }),
          ContainerError,
          undefined,
          pointer,
        );
        assertEquals(error.code, "ConfigInvalid", pointer);
        const pointers = error.faults?.map((fault) => fault.pointer) ?? [];
        assert(pointers.includes(pointer), `${pointer} in ${pointers}`);
        assertEquals(stage.factory.list(), []);
      }
    });
  });
}

Deno.test("CVE-2021-43784: names of fields are strings too", async () => {
  using stage = new Stage();
  using bundle = leanBundle("true");
  for (const pointer of ["/linux/sysctl/net.a\0b", "/annotations/a\0b"]) {
    const error = await assertRejects(
      () => stage.factory.create("hull-sec-name", put(bundle.config, pointer, "1")),
      ContainerError,
    );
    assert(error.faults?.some((fault) => fault.message.includes("NUL")), pointer);
  }
});

Deno.test("CVE-2021-43784: a process's own strings are held to the same", async () => {
  using stage = new Stage();
  using bundle = leanBundle("true");
  await using container = await stage.factory.create("hull-sec-own", bundle.config, {
    bundle: bundle.folder,
  });
  const processes = [
    new Process({ args: ["true", "a\0b"] }),
    new Process({ env: ["A=b\0C=d"] }),
    new Process({ extraEnv: ["A=b\0C=d"] }),
    new Process({ cwd: "/data\0/../etc" }),
    new Process({ user: "root\0:x" }),
    new Process({ args: ["true", "x".repeat(131_072)] }),
  ];
  for (const process of processes) {
    const error = await assertRejects(() => container.run(process), ContainerError);
    assertEquals(error.code, "ConfigInvalid", JSON.stringify(process.options).slice(0, 80));
    assertEquals(process.isStarted, false);
  }
});

Deno.test("CVE-2021-43784: the longest argument, variable and annotation arrive whole", async () => {
  await leavesNothing("hull-sec-long", async () => {
    using stage = new Stage();
    using bundle = leanBundle("");
    const config = {
      ...bundle.config,
      annotations: { long: "x".repeat(1 << 20) },
      process: {
        ...bundle.config.process,
        cwd: "/",
        args: ["sh", "-c", 'echo ${#1} ${#LONG} "$1"', "sh", "y".repeat(131_071)],
        env: ["PATH=/bin", "LONG=" + "z".repeat(131_066)],
      },
    };
    const { text, error } = await stage.attempt("hull-sec-long", { ...bundle, config });
    assertEquals(error, undefined);
    assertEquals(text, `131071 131066 ${"y".repeat(131_071)}\n`);
  });
});
