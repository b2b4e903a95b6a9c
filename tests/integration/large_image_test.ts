import { assert, assertEquals } from "@std/assert";
import { run, scratchFolder } from "../fixtures/bundle.ts";
import { GivenHull, Hull } from "../fixtures/cli.ts";
import { Desk } from "../fixtures/desk.ts";
import { entryBlocks, layoutFiles, tar, writeFiles } from "../fixtures/tar.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { missingTmux } from "../fixtures/tmux.ts";
import { until } from "../fixtures/until.ts";

const BIG = 200 * 2 ** 20;

/** An image with busybox and a file of 200 MiB, which takes no room here. */
async function writeBigImage(folder: string): Promise<void> {
  const blob = `${folder}.blob`;
  const size = `${BIG.toString(8).padStart(11, "0")}\0`;
  const rawSize = new TextEncoder().encode(size);
  const [header = new Uint8Array()] = entryBlocks({ name: "big", content: "", rawSize });
  Deno.writeFileSync(blob, header);
  Deno.truncateSync(blob, header.length + BIG + 1024);
  const digest = `sha256:${run("sha256sum", blob).slice(0, 64)}`;
  const small = tar(
    { name: "bin/busybox", content: Deno.readFileSync("/bin/busybox"), mode: 0o755 },
    { name: "bin/echo", type: "2", target: "busybox" },
  );
  const files = await layoutFiles({
    layers: [small],
    config: { Env: ["PATH=/bin"], Cmd: ["echo", "it runs"] },
    changeConfig: (config) => {
      (config.rootfs as { diff_ids: string[] }).diff_ids.push(digest);
    },
    changeManifest: (manifest) => {
      (manifest.layers as object[]).push({
        digest,
        size: header.length + BIG + 1024,
        mediaType: "x",
      });
    },
  });
  writeFiles(folder, files);
  Deno.renameSync(blob, `${folder}/blobs/sha256/${digest.slice(7)}`);
}

Deno.test("without a terminal nothing is printed while an image is unpacked", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  await writeBigImage(`${scratch.path}/image`);
  const words = ["--image", `${scratch.path}/image`, "--image-store", `${scratch.path}/store`];
  assertEquals(await hull.must("run", ...words), "it runs\n"); // and nothing on stderr
});

Deno.test("the second start of an image neither reads nor writes its files", async () => {
  using scratch = scratchFolder();
  // what this shell and those that it waits for have read and written: proc_pid_io(5)
  const counted = '"$@"; grep -h char /proc/$$/io';
  await using hull = new GivenHull("sh", "-c", counted, "sh");
  await writeBigImage(`${scratch.path}/image`);
  const words = ["--image", `${scratch.path}/image`, "--image-store", `${scratch.path}/store`];
  const moved = async (): Promise<readonly [read: number, written: number]> => {
    const said = await hull.must("run", ...words);
    const [, read, written] = /^it runs\nrchar: (\d+)\nwchar: (\d+)\n$/.exec(said) ?? [said];
    return [Number(read), Number(written)];
  };
  const [read, written] = await moved();
  assert(read > BIG && written > BIG, `${read} ${written}`);
  const [readAgain, writtenAgain] = await moved();
  assert(readAgain < read - BIG + 2 ** 20, `${readAgain} of ${read}`);
  assert(writtenAgain < 2 ** 20, `${writtenAgain} of ${written}`);
});

testWhere(missingTmux(), "the bar at a terminal: a resize, ^C, and a kill", async (t) => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const store = `${scratch.path}/store`;
  await writeBigImage(`${scratch.path}/image`);
  using desk = await Desk.open(hull);
  const { tmux } = desk;
  /** Starts it in the background of a shell without jobs, which does not notice that it stands still. */
  const start = async () => {
    const call = `hull run --image ${scratch.path}/image --image-store ${store} hull-image-seen`;
    tmux.type(`sh -c '${call} & echo $! > ${desk.pidFile}; wait $!'`);
    await halted(/^\[#*\.+\] \d+% layer [12] of 2, \d+ of \d+ MB$/);
  };
  /** Lets it stand still while the window shows a line that fits, and gives all lines of it. */
  const halted = async (line: RegExp): Promise<string[]> => {
    await tmux.shows(line);
    Deno.kill(desk.hullPid, "SIGSTOP");
    await until(() => desk.hullState === "T", 20);
    return tmux.screen.split("\n");
  };
  const bars = (lines: readonly string[]) => lines.filter((line) => /[#.]{9}|\d%/.test(line));
  const left = () => [...Deno.readDirSync(store)].map(({ name }) => name);

  await t.step("a kill leaves the terminal as it was, and no image", async () => {
    await start();
    assertEquals(bars(tmux.screen.split("\n")).length, 1, tmux.screen);
    Deno.kill(desk.hullPid, "SIGKILL");
    await desk.isSane(137);
    assertEquals(tmux.isOther, { screen: false, cursor: true });
    assert(left().every((name) => name.startsWith(".new-")), left().join());
  });
  await t.step("^C takes the bar away and removes what was made", async () => {
    await start();
    Deno.kill(desk.hullPid, "SIGCONT");
    Deno.kill(desk.hullPid, "SIGINT");
    await desk.isSane(130);
    assertEquals(left(), []); // also what the killed one had left
  });
  await t.step("the bar fits a window that is made narrower, and is gone at the end", async () => {
    await start();
    await tmux.resized(45, 20);
    Deno.kill(desk.hullPid, "SIGCONT");
    const lines = await halted(/^\[#*\.+\] \d+%$/);
    assertEquals(bars(lines).length, 1, lines.join("\n"));
    await tmux.resized(20, 20);
    Deno.kill(desk.hullPid, "SIGCONT");
    await tmux.shows(/^it runs$/);
    assertEquals(bars(tmux.screen.split("\n")), [], tmux.screen);
    await tmux.resized(90, 20);
    await desk.isSane(0);
  });
});
