import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import type { Seccomp } from "../../src/config/types/seccomp.ts";
import { type Bundle, type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { build, headerCalls, missingCompiler } from "../fixtures/c_programs.ts";
import { Hull } from "../fixtures/cli.ts";
import { missingLibrary } from "../fixtures/filter_machine.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const MISSING = missingLibrary() ?? missingCompiler();

/** A running agent; it ends by itself with the filter. */
class Agent implements AsyncDisposable {
  readonly socket: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;

  private constructor(socket: string, child: Deno.ChildProcess) {
    this.socket = socket;
    this.#child = child;
    this.#output = child.output();
  }

  static async start(folder: string, name = "agent.sock"): Promise<Agent> {
    const [program, socket] = [`${folder}/agent`, `${folder}/${name}`];
    build("notify_agent", program);
    const child = new Deno.Command(program, { args: [socket], stdout: "piped" }).spawn();
    await until(() => [...Deno.readDirSync(folder)].some((entry) => entry.name === name));
    return new Agent(socket, child);
  }

  /** The state that came with the listener, and what the agent answered to. */
  async end(): Promise<{ state: Record<string, unknown>; answered: string[] }> {
    const { stdout } = await this.#output;
    const [state = "", ...answered] = new TextDecoder().decode(stdout).trim().split("\n");
    return { state: JSON.parse(state) as Record<string, unknown>, answered };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#output;
  }
}

function profile(listenerPath: string): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    listenerPath,
    listenerMetadata: "whatever the agent wants",
    flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
    syscalls: [{ names: ["mkdir", "mkdirat", "getppid", "execve"], action: "SCMP_ACT_NOTIFY" }],
  };
}

function bundle(socket: string, change: (config: Draft) => void = () => {}): Bundle {
  const getppid = headerCalls().get("getppid");
  const made = makeBundle(`mkdir /tmp/new 2>&1; /bin/calls ${getppid}`, (config) => {
    config.linux.seccomp = structuredClone(profile(socket)) as never;
    config.annotations = { "org.test": "yes" };
    change(config);
  });
  build("calls", `${made.folder}/rootfs/bin/calls`);
  return made;
}

const SEEN = "mkdir: can't create directory '/tmp/new': Numerical argument out of domain\n4242\n";

for (const noNewPrivileges of [true, false]) {
  const how = noNewPrivileges ? "with" : "without";
  testWhere(MISSING, `an agent answers for the container, ${how} noNewPrivileges`, async () => {
    await leavesNothing("hull-scmp-agent", async () => {
      await using hull = new Hull();
      using scratch = scratchFolder();
      await using agent = await Agent.start(scratch.path);
      using made = bundle(agent.socket, (config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.user = { uid: 1000, gid: 1000 };
        config.linux.resources = { memory: { limit: 64 << 20 } }; // one more fd for init
      });
      const call = ["run", "-b", made.folder, "hull-scmp-agent"];
      assertEquals(await hull.call(call), { code: 0, stdout: SEEN, stderr: "" });
      const { state, answered } = await agent.end();
      const { pid, state: container, ...rest } = state as Record<string, Record<string, unknown>>;
      assertEquals<unknown>(rest, {
        ociVersion: rest.ociVersion,
        fds: ["seccompFd"],
        metadata: "whatever the agent wants",
      });
      assert(Number(pid) > 0);
      assertEquals<unknown>(container, {
        ociVersion: rest.ociVersion,
        id: "hull-scmp-agent",
        status: "creating",
        pid,
        bundle: made.folder,
        annotations: { "org.test": "yes" },
      });
      const execve = `call ${headerCalls().get("execve")}`;
      assertEquals(new Set(answered), new Set([execve, "getppid", "mkdir"]));
    });
  });
}

testWhere(MISSING, "a further process has a listener of its own at the agent", async () => {
  await leavesNothing("hull-scmp-exec", async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    await using agent = await Agent.start(scratch.path);
    using made = bundle(agent.socket, (config) => {
      config.process.args = ["sleep", "600"];
    });
    await hull.detach("run", "-d", "-b", made.folder, "hull-scmp-exec");
    const first = JSON.parse(await hull.must("state", "hull-scmp-exec")).pid as number;
    Deno.renameSync(agent.socket, `${scratch.path}/first`);
    {
      await using second = await Agent.start(scratch.path);
      const getppid = headerCalls().get("getppid");
      const script = `mkdir /tmp/new 2>&1; /bin/calls ${getppid}`;
      const call = ["exec", "hull-scmp-exec", "sh", "-c", script];
      assertEquals(await hull.call(call), { code: 0, stdout: SEEN, stderr: "" });
      const { state, answered } = await second.end();
      const container = state.state as Record<string, unknown>;
      assertEquals([container.status, container.pid], ["running", first]);
      assert(state.pid !== first);
      const execve = `call ${headerCalls().get("execve")}`;
      assertEquals(new Set(answered), new Set([execve, "getppid", "mkdir"]));
    }
    const refused = await hull.call(["exec", "hull-scmp-exec", "true"]);
    assertEquals(refused.code, 255);
    assertStringIncludes(refused.stderr, "ECONNREFUSED");
    assertStringIncludes(refused.stderr, "/linux/seccomp/listenerPath");
    await hull.must("delete", "--force", "hull-scmp-exec");
    await agent.end();
  });
});

testWhere(MISSING, "an agent whose path is longer than an address may be", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const folder = `${scratch.path}/${"long".repeat(30)}`;
  await using agent = await Agent.start(scratch.path);
  Deno.mkdirSync(folder);
  Deno.renameSync(agent.socket, `${folder}/socket`);
  using made = bundle(`${folder}/socket`);
  const { stdout } = await hull.call(["run", "-b", made.folder, "hull-scmp-long"]);
  assertEquals(stdout, SEEN);
});

testWhere(MISSING, "an agent for a container that joins another's pid namespace", async () => {
  await leavesNothing("hull-scmp-join", async () => {
    using root = scratchFolder();
    await using agent = await Agent.start(root.path);
    const factory = new Factory({ root: `${root.path}/root` });
    using one = makeBundle("", (config) => {
      config.process.args = ["sleep", "600"];
    });
    await using first = await factory.create("hull-scmp-join-1", one.config, {
      bundle: one.folder,
    });
    await first.run(new Process({ stdin: "null" }));
    const path = `/proc/${first.ociState().pid}/ns/pid`;
    using two = bundle(agent.socket, (config) => {
      config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
      config.linux.namespaces.push({ type: "pid", path });
    });
    await using second = await factory.create("hull-scmp-join-2", two.config, {
      bundle: two.folder,
    });
    const process = new Process({ stdin: "null", stdout: "piped" });
    await second.run(process);
    assertEquals(await new Response(process.stdout).text(), SEEN);
    assertEquals((await process.wait()).code, 0);
    const { state } = await agent.end();
    assertEquals(state.pid, process.pid);
  });
});

testWhere(MISSING, "an agent that is not there stops the start, and nothing is left", async () => {
  await leavesNothing("hull-scmp-gone", async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    const dead = await Agent.start(scratch.path);
    await dead[Symbol.asyncDispose]();
    const cases = [["ENOENT", `${scratch.path}/none`], ["ECONNREFUSED", dead.socket]] as const;
    for (const [errno, path] of cases) {
      using made = bundle(path);
      const said = await hull.refuse("run", "-b", made.folder, "hull-scmp-gone");
      for (const part of [errno, path, "[step seccomp]", "/linux/seccomp/listenerPath"]) {
        assertStringIncludes(said, part);
      }
    }
    // A compiled filter is there, unless a resident had it already.
    const left = [...Deno.readDirSync(hull.root)].filter(({ name }) => name !== "~seccomp");
    assertEquals(left, []);
  });
});
