/** Podman with hull for a runtime does what it does with runc. @module */

import { scratchFolder, writeRootfs } from "../fixtures/bundle.ts";
import {
  cgroupParents,
  compareRuntimes,
  packRootfs,
  runScript,
  RUNTIMES,
  unmountBelow,
  writePrograms,
} from "../fixtures/clients.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { ENGINE_CASES } from "./engine_cases.ts";

const HEALTH = 'c healthcheck run "$1"; echo $?; c inspect -f "{{.State.Health.Status}}" "$1"';

function writeClient(scratch: string, runtime: string, path: string): void {
  const own = `${scratch}/${runtime}`;
  const flags = `--root ${own}/root --runroot ${own}/run --tmpdir ${own}/tmp ` +
    `--storage-driver overlay --cgroup-manager cgroupfs --events-backend file --runtime ${path}`;
  writePrograms(`${own}/bin`, {
    c: `exec podman ${flags} "$@"`,
    run: 'exec c run --network none $LIMITS "$@"',
    create: 'exec c create --network none $LIMITS "$@"',
    health: HEALTH,
  });
}

async function missing(): Promise<string | undefined> {
  try {
    for (const program of ["podman", "conmon", "script", "runc"]) {
      await new Deno.Command(program, { args: ["--version"] }).output();
    }
    return undefined;
  } catch {
    return "podman, conmon, script and runc";
  }
}

testWhere(await missing(), "Podman", async (t) => {
  using _cgroups = cgroupParents("libpod_parent/conmon", "libpod_parent");
  using scratch = scratchFolder();
  Deno.mkdirSync(`${scratch.path}/rootfs`);
  writeRootfs(`${scratch.path}/rootfs`);
  Deno.writeTextFileSync(`${scratch.path}/rootfs/etc/passwd`, "alice:x:1000:1000::/:/bin/sh\n", {
    append: true,
  });
  Deno.writeTextFileSync(
    `${scratch.path}/rootfs/etc/group`,
    "alice:x:1000:\nstaff:x:50:alice\nnogroup:x:65534:\n",
    { append: true },
  );
  packRootfs(`${scratch.path}/rootfs`, `${scratch.path}/image.tar`);
  const programs = (runtime: string) => `${scratch.path}/${runtime}/bin`;
  try {
    for (const [runtime, path] of RUNTIMES) {
      writeClient(scratch.path, runtime, path);
      await runScript(`c import ${scratch.path}/image.tar bb`, programs(runtime), "hull-podman");
    }
    for (const [k, tried] of ENGINE_CASES.entries()) {
      if ((tried.only ?? "podman") !== "podman") continue;
      await t.step(tried.name, () => compareRuntimes(tried, programs, `hull-podman-${k}-`));
    }
  } finally {
    for (const [runtime] of RUNTIMES) {
      await runScript("c rm -fa -t 0; c system reset -f", programs(runtime), "hull-podman");
    }
    unmountBelow(scratch.path);
  }
});
