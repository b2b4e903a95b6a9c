import { assertEquals } from "@std/assert";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";

/**
 * The launcher, as users start hull: its engine keeps what it compiles in a folder of hull's own. Where
 * another program of Deno's holds the common one, Deno says so, and a terminal would show that.
 */
const HULL = [fromFileUrl(new URL("../../scripts/hull", import.meta.url))];

const PRINTS = 'printf "a\\nb"; stty -opost; printf "c\\nd\\te"';
/** In a terminal's usual mode `\n` returns to the line's begin, in the other it goes down alone. */
const ON_TERMINAL = "a\r\nbc\nd\te";
const IN_PIPE = "a\nbc\nd\te";

/**
 * What a terminal gets of a shell's line, while another shell types, for which `$2` is what was shown
 * so far; no end of input comes.
 */
function shownBy(line: string, types = ":"): string {
  using scratch = scratchFolder();
  const keys = `${scratch.path}/keys`;
  run("mkfifo", keys);
  const shown = `${scratch.path}/shown`;
  const script = 'timeout 60 script -qefc "$0" "$2" <>"$1"; code=$?; wait; exit $code';
  return run("sh", "-c", `{ ${types}; } >"$1" & ${script}`, line, keys, shown);
}

Deno.test("a terminal shows a program's bytes as if there were no hull between, run and exec", async () => {
  await leavesNothing("hull-bytes", async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle(PRINTS, (config) => {
      config.process.terminal = true;
    });
    const words = [...HULL, "--root", hull.root].join(" ");
    const call = `${words} run -b ${bundle.folder} hull-bytes`;
    assertEquals(shownBy(call), ON_TERMINAL);
    assertEquals(shownBy(`${call} </dev/null`), ON_TERMINAL, "stdin is no terminal");
    const file = `${scratch.path}/out`;
    shownBy(`${call} | cat >${file}`);
    assertEquals(Deno.readTextFileSync(file), IN_PIPE, "stdout is a pipe");
    using sleeping = makeBundle("sleep 1000");
    await hull.detach("run", "-d", "-b", sleeping.folder, "hull-bytes");
    const exec = `${words} exec -t hull-bytes sh -c '${PRINTS.replaceAll("'", "'\\''")}'`;
    assertEquals(shownBy(exec), ON_TERMINAL);
    shownBy(`${exec} | cat >${file}`);
    assertEquals(Deno.readTextFileSync(file), IN_PIPE, "stdout of exec is a pipe");
    assertEquals((await hull.call(["exec", "-t", "hull-bytes", "echo", "x"])).stdout, "x\n");
  });
});

Deno.test("into a pipe goes what runc puts there, from a terminal", async () => {
  await leavesNothing("hull-bytes-runc", async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle(
      'printf "1\\n2\\n"; stty -a 2>/dev/null | grep -o "[-]*onlcr"',
      (config) => {
        config.process.terminal = true;
      },
    );
    const file = `${scratch.path}/out`;
    const said = (runtime: string, root: string) => {
      shownBy(`${runtime} --root ${root} run -b ${bundle.folder} hull-bytes-runc | cat >${file}`);
      return Deno.readTextFileSync(file);
    };
    const ours = said(HULL.join(" "), hull.root);
    assertEquals(ours, said("runc", `${scratch.path}/runc`));
    assertEquals(ours, "1\n2\n-onlcr\n");
  });
});

Deno.test("the bytes typed reach a program that takes them raw", async () => {
  await leavesNothing("hull-bytes-in", async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    const keys = "\x01\x03\x04\x0d\x0a\x11\x13\x16\x1a\x1b\x1c\x7f\x80\xff";
    const bytes = Uint8Array.from([...keys].map((key) => key.charCodeAt(0)));
    using bundle = makeBundle(
      `stty raw -echo; echo; echo ready; dd bs=1 count=${bytes.length} 2>/dev/null | od -An -tx1`,
      (config) => {
        config.process.terminal = true;
      },
    );
    Deno.writeFileSync(`${scratch.path}/bytes`, bytes);
    const call = [...HULL, "--root", hull.root, "run", "-b", bundle.folder, "hull-bytes-in"];
    // Before that, hull may not have the terminal yet.
    const types = `until grep -qs ready "$2"; do sleep 0.02; done; cat ${scratch.path}/bytes`;
    const shown = shownBy(call.join(" "), types);
    const hex = [...bytes].map((byte) => ` ${byte.toString(16).padStart(2, "0")}`).join("");
    assertEquals(shown.replaceAll(/[\r\n]/g, "").replace("ready", ""), hex);
  });
});
