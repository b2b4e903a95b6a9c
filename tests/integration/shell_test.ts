import { assertEquals } from "@std/assert";
import { type Bundle, makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { Desk } from "../fixtures/desk.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { missingTmux } from "../fixtures/tmux.ts";
import { until } from "../fixtures/until.ts";

const test = (name: string, fn: (t: Deno.TestContext) => Promise<void>) =>
  testWhere(missingTmux(), name, fn);

test("an interactive shell: size, ^C, ^Z and ^D, with run", async () => {
  await leavesNothing("hull-shell-run", async () => {
    await using hull = new Hull();
    using bundle = shellBundle();
    using desk = await Desk.open(hull);
    await desk.useShell(`hull run -b ${bundle.folder} hull-shell-run`);
  });
});

test("an interactive shell: size, ^C, ^Z and ^D, with exec --tty", async () => {
  await leavesNothing("hull-shell-exec", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 1000");
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-shell-exec");
    using desk = await Desk.open(hull);
    await desk.useShell("hull exec -t -e 'PS1=IN$ ' hull-shell-exec sh");
    assertEquals(await hull.status("hull-shell-exec"), "running");
  });
});

test("the caller's terminal is as it was after every way to end", async (t) => {
  await using hull = new Hull();
  using bundle = shellBundle();
  using desk = await Desk.open(hull);
  const { tmux } = desk;
  const start = async (id: string, trap = "") => {
    tmux.type(`sh -c 'echo $$ > ${desk.pidFile}; exec hull run -b ${bundle.folder} ${id}'`);
    await tmux.shows(/^IN\$$/);
    if (trap !== "") await tmux.say(trap, /^trapped$/);
  };
  for (const [k, name] of (["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"] as const).entries()) {
    await t.step(`hull gets ${name}, which the container's program gets`, async () => {
      const word = name.slice(3);
      await start(`hull-shell-${word}`, `trap 'exit ${40 + k}' ${word}; echo trapped`);
      Deno.kill(desk.hullPid, name);
      // ash looks at its traps once it has read a line; one may come before the signal does.
      await until(() => {
        if (desk.hullState === "") return true;
        tmux.press("Enter");
        return false;
      }, 20);
      await desk.isSane(40 + k);
    });
  }
  await t.step("hull kill", async () => {
    await start("hull-shell-kill");
    await hull.must("kill", "hull-shell-kill", "KILL");
    await desk.isSane(137);
  });
  await t.step("the container's first process is killed from outside", async () => {
    await start("hull-shell-first");
    const { pid } = JSON.parse(await hull.must("state", "hull-shell-first")) as { pid: number };
    Deno.kill(pid, "SIGKILL");
    await desk.isSane(137);
  });
  await t.step("a config that is refused", async () => {
    // until it says so, the prompt before it is still shown
    await tmux.say(`hull run -b ${bundle.folder} 'not an id'`, /^hull: invalid container id/);
    await desk.isSane(1);
  });
  await t.step(
    "hull is killed: its container hangs up, and the shell's own is left raw",
    async () => {
      await start("hull-shell-dead");
      Deno.kill(desk.hullPid, "SIGKILL");
      await until(async () => await hull.status("hull-shell-dead") === "stopped");
      await hull.must("delete", "hull-shell-dead");
      tmux.type("stty sane");
    },
  );
});

test("in the background hull waits for its terminal, and goes on in the foreground", async () => {
  await leavesNothing("hull-shell-bg", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("stty size; exit 3", (config) => {
      config.process.terminal = true;
    });
    using desk = await Desk.open(hull);
    desk.tmux.type(`hull run -b ${bundle.folder} hull-shell-bg & echo $! > ${desk.pidFile}`);
    await until(() => desk.hullState === "T", 20);
    await desk.tmux.say("fg", /^20 90$/);
    await desk.isSane(3);
  });
});

/** A shell that shows where it is. */
function shellBundle(): Bundle {
  return makeBundle("", (config) => {
    config.process.terminal = true;
    config.process.args = ["sh"];
    config.process.env = [...config.process.env ?? [], "PS1=IN$ "];
  });
}
