/** Podman with hull for a runtime does what it does with runc. @module */

import { assertEquals } from "@std/assert";
import { CGROUP_DRIVER, clientCgroup } from "../fixtures/cgroup_driver.ts";
import { ClientGuard } from "../fixtures/client_guard.ts";
import {
  compareRuntimes,
  runScript,
  RUNTIMES,
  takesOverlays,
  writeImage,
  writePrograms,
} from "../fixtures/clients.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { casesOf } from "./engine_cases.ts";

const NAME = `hull-podman-${Deno.pid}`;
const CGROUP = clientCgroup(NAME);
// without systemd's timers nobody but the caller runs the check
const HEALTH = `c healthcheck run $1 >/dev/null; echo $?
till "c inspect -f '{{.State.Health.Status}}' $1 | grep -x $2" && echo $2`;

function writeClient(folder: string, runtime: string, path: string): void {
  const own = `${folder}/${runtime}`;
  const driver = takesOverlays(folder) ? "overlay" : "vfs";
  const flags = `--root ${own}/root --runroot ${own}/run --tmpdir ${own}/tmp ` +
    `--storage-driver ${driver} --events-backend file`;
  writePrograms(`${own}/bin`, {
    c: `CONTAINERS_CONF=${own}/bin/containers.conf exec podman ${flags} "$@"`,
    run: 'exec c run --network none $LIMITS "$@"',
    create: 'exec c create --network none $LIMITS "$@"',
    health: HEALTH,
  });
  const config = `[engine]
cgroup_manager = "${CGROUP_DRIVER}"
lock_type = "file"
runtime = "${runtime}"
[engine.runtimes]
${runtime} = ["${path}"]
[containers]
init_path = "/usr/bin/tini-static"
`;
  Deno.writeTextFileSync(`${own}/bin/containers.conf`, config);
}

async function missing(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "root";
  try {
    for (const program of ["podman", "conmon", "tini-static", "script", "runc"]) {
      await new Deno.Command(program, { args: ["--version"] }).output();
    }
    return undefined;
  } catch {
    return "podman, conmon, tini, script and runc";
  }
}

testWhere(await missing(), "Podman", async (t) => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  const bench = {
    folder,
    prefix: NAME,
    limits: `--cgroup-parent ${CGROUP.parent}`,
    programs: (runtime: string) => `${folder}/${runtime}/bin`,
  };
  for (const [runtime, path] of RUNTIMES) writeClient(folder, runtime, path);
  const clean = ["runc", "hull"].map((runtime) =>
    `PATH=${bench.programs(runtime)}:$PATH; c rm -fa -t 0; c system reset -f`
  );
  await using _guard = new ClientGuard(folder, {
    cgroup: CGROUP.folder,
    programs: bench.programs("runc"),
    clean: [...clean, CGROUP.remove].join("\n"),
  });
  const image = writeImage(folder);
  for (const [runtime] of RUNTIMES) {
    const { code, stderr } = await runScript(bench, `c import ${image} bb`, runtime);
    assertEquals(code, 0, stderr);
  }
  await compareRuntimes(t, casesOf("podman"), bench);
});
