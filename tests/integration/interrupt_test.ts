import { assertEquals } from "@std/assert";
import { Hull } from "../fixtures/cli.ts";
import { Desk } from "../fixtures/desk.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { missingTmux } from "../fixtures/tmux.ts";
import { until } from "../fixtures/until.ts";

const test = (name: string, fn: () => Promise<void>) => testWhere(missingTmux(), name, fn);

const DEAF = "echo be''gun; exec sleep 1000";
const HANDLING =
  'trap "n=\\$((n+1)); echo got \\$n" INT; echo be""gun; while [ "$n" != 3 ]; do sleep 0.1; done; exit 5';

test("the built-in default gives a shell at a terminal: size, ^C, ^Z and ^D", async () => {
  await leavesNothing("hull-int-shell", async () => {
    await using hull = new Hull();
    using desk = await Desk.open(hull);
    await desk.useShell("hull run hull-int-shell -- env 'PS1=IN$ ' sh");
  });
});

test("--tty says whether there is a terminal, whatever hull has", async () => {
  await leavesNothing("hull-int-tty", async () => {
    await using hull = new Hull();
    using desk = await Desk.open(hull);
    const { tmux } = desk;
    const look = "sh -c '[ -e /dev/console ] && echo own || echo none'";
    for (const [flags, answer] of [["", "own"], ["-t=false", "none"], ["--tty=true", "own"]]) {
      await tmux.say(`hull run ${flags} hull-int-tty -- ${look}`, new RegExp(`^${answer}$`));
      await desk.isSane(0);
    }
    await tmux.say(`hull run hull-int-tty -- ${look} </dev/null`, /^none$/);
    await desk.isSane(0);
    assertEquals(await hull.must("run", "-t", "hull-int-tty", "--", "tty"), "/dev/pts/0\n");
  });
});

for (const [kind, flags] of [["with a terminal", "-t"], ["without one", "-t=false"]] as const) {
  test(`a second ^C kills a first process without a handler, ${kind}`, async () => {
    await leavesNothing("hull-int-deaf", async () => {
      await using hull = new Hull();
      using desk = await Desk.open(hull);
      const { tmux } = desk;
      await tmux.say(`hull run ${flags} hull-int-deaf -- sh -c "${DEAF}"`, /begun$/);
      tmux.press("C-c");
      await tmux.shows(/does not answer \^C; a second one kills it$/);
      tmux.press("C-c");
      await tmux.shows(/does not answer \^C: killed$/);
      await desk.isSane(137);
    });
  });

  test(`^C goes to a program with a handler, however often, ${kind}`, async () => {
    await leavesNothing("hull-int-handling", async () => {
      await using hull = new Hull();
      using desk = await Desk.open(hull);
      const { tmux } = desk;
      await tmux.say(`hull run ${flags} hull-int-handling -- sh -c '${HANDLING}'`, /begun$/);
      for (const n of [1, 2, 3]) {
        tmux.press("C-c");
        await tmux.shows(new RegExp(`got ${n}$`));
      }
      await desk.isSane(5);
    });
  });
}

test("^C of a job in the container's shell is that job's, even one that ignores it", async () => {
  await leavesNothing("hull-int-job", async () => {
    await using hull = new Hull();
    using desk = await Desk.open(hull);
    const { tmux } = desk;
    await tmux.say("hull run hull-int-job -- env 'PS1=IN$ ' sh", /^IN\$$/);
    tmux.type(`sh -c 'trap "" INT; echo be""gun; read line; echo "read $line"'`);
    await tmux.shows(/begun$/);
    tmux.press("C-c");
    tmux.press("C-c");
    await tmux.say("still", /read still$/);
    await tmux.say("exit 4", /OUT\$$/);
    await desk.isSane(4);
  });
});

for (const [kind, program] of [["a shell", "sh"], ["a program deaf to it", "sleep 1000"]]) {
  test(`a terminal that is closed takes its container with it: ${kind}`, async () => {
    await leavesNothing("hull-int-closed", async () => {
      await using hull = new Hull();
      const desk = await Desk.open(hull);
      try {
        const script = `sh -c "echo be''gun; exec ${program}"`;
        await desk.tmux.say(`hull run hull-int-closed -- ${script}`, /begun$/);
      } finally {
        desk[Symbol.dispose]();
      }
      await until(async () => await hull.must("list", "-q") === "", 20);
    });
  });
}
