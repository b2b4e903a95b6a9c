/** A host that forbids programs in memory: one line says so, with the sysctl. */

import { assertEquals } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { HULL } from "../fixtures/cli.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

/** Each pid namespace has its own. */
const SYSCTL = "/proc/sys/vm/memfd_noexec";
const SCRIPT = `
echo 2 >${SYSCTL} || exit 9
hull() { "$@" </dev/null 2>&1; echo $?; }
hull "$@" run -d -b $B1 $N
hull "$@" exec $N true
hull "$@" exec -d $N true
hull "$@" run --supervise -d -b $B2 $N-2
hull "$@" run --init direct -b $B2 $N-2
hull "$@" delete -f $N`;

function missing(): string | undefined {
  try {
    Deno.statSync(SYSCTL);
    return ROOT;
  } catch {
    return "a kernel with vm.memfd_noexec";
  }
}

testWhere(missing(), "what can't be executed from memory is told with the sysctl", async () => {
  await using root = rootFolder();
  using first = makeBundle("sleep 60");
  using second = makeBundle("true");
  const id = `hull-noexec-${Deno.pid}`;
  const args = ["-p", "-f", "--mount-proc", "sh", "-c", SCRIPT, "sh", ...HULL, "--root", root.path];
  const { stdout } = await new Deno.Command("unshare", {
    args,
    env: { N: id, B1: first.folder, B2: second.folder },
    stderr: "inherit",
  }).output();
  const hint =
    "the host forbids executable files in memory: sysctl -w vm.memfd_noexec=1 allows them";
  const joins = `hull: the program that joins can't be started: memfd_create: EACCES; ${hint}`;
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
    "0",
    joins,
    "255",
    joins,
    "255",
    `hull: the supervisor can't be started: memfd_create: EACCES; ${hint}`,
    "1",
    "hull: a direct start can't execute a file in memory: sysctl vm.memfd_noexec forbids it; " +
    "leave out --init, or use --init reexec",
    "1",
    "0",
  ]);
});
