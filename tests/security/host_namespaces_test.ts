/**
 * What a config sets in a namespace that it joins by path is not set on the host. The host is here
 * what the test made: hull runs in namespaces of a process that waits.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { NamespaceType } from "../../src/config/types/config.ts";
import { type Draft, joinNamespace, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

const ID = "hull-hostns";

interface Case {
  readonly type: NamespaceType;
  readonly file: string;
  readonly pointer: string;
  readonly ask: readonly [string, ...string[]];
  readonly change: (config: Draft) => void;
}

const sysctl = (name: string, value: string) => (config: Draft) => {
  config.linux.sysctl = { [name]: value };
};

const CASES: readonly Case[] = [
  {
    type: "network",
    file: "net",
    pointer: "/linux/sysctl/net.ipv4.ip_unprivileged_port_start",
    ask: ["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"],
    change: sysctl("net.ipv4.ip_unprivileged_port_start", "7"),
  },
  {
    type: "ipc",
    file: "ipc",
    pointer: "/linux/sysctl/kernel~1msgmax",
    ask: ["cat", "/proc/sys/kernel/msgmax"],
    change: sysctl("kernel/msgmax", "7000"),
  },
  {
    type: "uts",
    file: "uts",
    pointer: "/linux/sysctl/kernel.domainname",
    ask: ["cat", "/proc/sys/kernel/domainname"],
    change: sysctl("kernel.domainname", "seven"),
  },
  {
    type: "uts",
    file: "uts",
    pointer: "/hostname",
    ask: ["hostname"],
    change: (config) => {
      config.hostname = "seven";
    },
  },
];

/** A process in namespaces of its own, until the end of the scope. */
async function holder(): Promise<{ readonly pid: number } & AsyncDisposable> {
  const child = new Deno.Command("unshare", {
    args: ["--net", "--ipc", "--uts", "sh", "-c", "echo in; exec sleep 120"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read(); // it is in them now
  await reader.cancel();
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

for (const init of ["direct", "reexec"]) {
  Deno.test(`what a config sets where it joins the host is refused (${init})`, () =>
    leavesNothing(ID, async () => {
      await using hull = new Hull();
      await using host = await holder();
      await using pod = await holder();
      for (const { type, file, pointer, ask, change } of CASES) {
        const entered = (pid: number) => ["--target", String(pid), `--${file}`];
        const look = (pid: number) => run("nsenter", ...entered(pid), ...ask);
        for (const joined of [host, pod]) {
          using bundle = makeBundle("true", (config) => {
            joinNamespace(config, type, `/proc/${joined.pid}/ns/${file}`);
            config.mounts = config.mounts.filter((mount) => mount.type !== "sysfs");
            delete config.hostname;
            change(config);
          });
          const before = look(joined.pid);
          const words = hull.words(["run", "--init", init, "-b", bundle.folder, ID]);
          const args = [...entered(host.pid), ...words];
          const { code, stderr } = await new Deno.Command("nsenter", { args, stdin: "null" })
            .output();
          const said = new TextDecoder().decode(stderr);
          if (joined === pod) {
            assertEquals({ code, said }, { code: 0, said: "" });
            assertEquals(look(joined.pid) === before, false, `${pointer} is set in a pod's`);
            continue;
          }
          assertEquals(code, 1);
          assertStringIncludes(said, `${pointer}: would change the host`);
          assertEquals(look(joined.pid), before, pointer);
        }
      }
    }));
}
