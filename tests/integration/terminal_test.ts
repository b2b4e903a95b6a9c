import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";

Deno.test("a terminal of the container's own: its name, its size, the user's", async () => {
  await leavesNothing("hull-tty", async () => {
    using root = scratchFolder();
    const script = "tty; stty size; ls -l /dev/console /dev/pts/0 | cut -c 1; id -u; " +
      'echo to the terminal > /dev/tty; read line; echo "got $line"; stty size';
    using bundle = makeBundle(script, (config) => {
      config.process.terminal = true;
      config.process.consoleSize = { width: 100, height: 30 };
      config.process.user = { uid: 1000, gid: 1000 };
    });
    const factory = new Factory({ root: root.path });
    await using container = await factory.create("hull-tty", bundle.config, {
      bundle: bundle.folder,
    });
    const process = new Process();
    await container.start(process);
    await container.release();
    process.resize(80, 25);
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("a line\n"));
    const text = await new Response(process.stdout).text();
    assertEquals((await process.wait()).code, 0);
    // the terminal's echo comes at any time, in the middle of a line too, and first
    const lines = text.replaceAll("\r", "").replace("a line\n", "").trimEnd().split("\n");
    assertEquals(lines[0], "/dev/pts/0");
    assertMatch(lines[1] ?? "", /^(30 100|25 80)$/); // the program may run before the resize
    assertEquals(lines.slice(-1), ["25 80"], text);
    for (const part of ["c\nc\n1000", "to the terminal", "got a line"]) {
      assertStringIncludes(lines.join("\n"), part);
    }
  });
});

Deno.test("the bundle of runc spec runs unchanged, from a terminal and from a pipe", async () => {
  await leavesNothing("hull-tty-cli", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("", (config) => {
      config.process.terminal = true;
      config.process.args = ["sh"];
    });
    const call = ["run", "-b", bundle.folder, "hull-tty-cli"];
    const piped = await hull.call(call, { stdin: "tty; exit 6\n" });
    assertEquals([piped.code, piped.stderr], [6, ""]);
    assertStringIncludes(piped.stdout, "/dev/pts/0");
    const words = [...HULL, "--root", hull.root, ...call].join(" ");
    const typed = run("sh", "-c", `echo 'tty; exit 0' | script -qec '${words}' /dev/null`);
    assertStringIncludes(typed, "/dev/pts/0");
  });
});

Deno.test("the end of a stdin that is no terminal is the end of the terminal's input", async () => {
  await leavesNothing("hull-tty-end", async () => {
    await using hull = new Hull();
    for (
      const [script, stdin, shown] of [
        ["cat", "one\ntwo\n", /one\r?\ntwo\r?\n/],
        ["cat", "no newline", /no newline/],
        ["cat; cat; cat; echo all", "", /all/],
        ['while read -r line; do echo "<$line>"; done; cat; echo all', "a\nb", /<b?>?[^]*all/],
      ] as const
    ) {
      using bundle = makeBundle(script, (config) => {
        config.process.terminal = true;
      });
      const { code, stdout, stderr } = await hull.call(
        ["run", "-b", bundle.folder, "hull-tty-end"],
        {
          stdin,
        },
      );
      assertEquals([code, stderr], [0, ""], script);
      assertMatch(stdout, shown, script);
    }
    using bundle = makeBundle("sleep 1000");
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-tty-end");
    const exec = await hull.call(["exec", "-t", "hull-tty-end", "cat"], { stdin: "here\n" });
    assertEquals([exec.code, exec.stderr], [0, ""]);
    assertMatch(exec.stdout, /here/);
    await hull.must("delete", "--force", "hull-tty-end");
  });
});

Deno.test("the end of a stdin is no byte to a program that takes every byte, and is the end of a later line", async () => {
  await leavesNothing("hull-tty-raw", async () => {
    await using hull = new Hull();
    // a read that gets nothing for a second is an end to od
    const raw =
      "stty -icanon -echo min 0 time 10; echo ready; od -An -tx1; stty icanon; echo lines";
    using bundle = makeBundle(`${raw}; cat; echo over`, (config) => {
      config.process.terminal = true;
    });
    const options = { stdin: "piped", stdout: "piped" } as const;
    await using running = hull.command(["run", "-b", bundle.folder, "hull-tty-raw"], options)
      .spawn();
    let shown = "";
    const decoder = new TextDecoder();
    for await (const chunk of running.stdout) {
      shown += decoder.decode(chunk, { stream: true });
      if (shown.includes("ready")) await running.stdin.close().catch(() => {}); // the first time
    }
    assertEquals(shown.replaceAll("\r", ""), "ready\nlines\nover\n");
    assertEquals((await running.status).code, 0);
  });
});

Deno.test("a detached container with a terminal is refused, since nobody would hold it", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("", (config) => {
    config.process.terminal = true;
  });
  for (const verb of [["create"], ["run", "-d"]]) {
    const said = await hull.refuse(...verb, "-b", bundle.folder, "hull-tty-none");
    assert(said.includes("/process/terminal"), said);
  }
  assertEquals([...Deno.readDirSync(hull.root)], []);
});

Deno.test("a terminal without a devpts is an error that says so", async () => {
  await leavesNothing("hull-tty-bare", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("", (config) => {
      config.process.terminal = true;
      config.mounts = config.mounts.filter(({ type }) => type !== "devpts");
    });
    const said = await hull.refuse("run", "-b", bundle.folder, "hull-tty-bare");
    assertStringIncludes(said, "[step terminal]");
    assertStringIncludes(said, "devpts");
    assertEquals([...Deno.readDirSync(hull.root)], []);
  });
});
