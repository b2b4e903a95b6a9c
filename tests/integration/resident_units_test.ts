/** The units of a resident, under a systemd that runs. @module */

import { assert, assertEquals } from "@std/assert";
import { isThere } from "../../ffi/files/file_status.ts";
import type { ResidentStatus } from "../../src/cli/resident/questions.ts";
import { run, scratchFolder } from "../fixtures/bundle.ts";
import { BUNDLER, Checkout } from "../fixtures/installation.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const SOCKET = "/run/hull/~resident.sock";
/** Of units that are gone when the host is started again. */
const UNITS = "/run/systemd/system";
/** A program of a host that is imitated needs long. */
const SECONDS = 60;

/** The units have one name on a host, and one socket. */
function missingHere(): string | undefined {
  if (Deno.uid() !== 0) return "root";
  if (!isThere(UNITS)) return "a systemd that runs";
  const { success } = new Deno.Command("systemctl", {
    args: ["cat", "hull-resident.socket"],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success || isThere(SOCKET) ? "a host without a resident of its own" : undefined;
}

testWhere(
  BUNDLER ?? missingHere(),
  "systemd starts a resident with the first command",
  async () => {
    using checkout = new Checkout();
    using root = scratchFolder();
    const hull = `${checkout.prefix}/bin/hull`;
    const status = () => JSON.parse(run(hull, "resident", "status")) as ResidentStatus;
    const stateOf = (unit: string) =>
      run("sh", "-c", "systemctl is-active $1 || :", "sh", unit).trim();
    assertEquals(checkout.install("--resident", "--units", UNITS).code, 0);
    try {
      run("systemctl", "daemon-reload");
      run("systemctl", "start", "hull-resident.socket");
      assertEquals(stateOf("hull-resident.service"), "inactive");
      // systemd's resident sees systemd's mounts, and these tests may have their own
      const list = (...before: string[]) => {
        const words = [...before, hull, "--root", root.path, "list", "-q"];
        assertEquals(run("nsenter", "--mount", "--target", "1", ...words), "");
      };
      list("env"); // it may be late, and this done without it
      await until(() => stateOf("hull-resident.service") === "active", SECONDS);
      const { pid, served } = status();
      list("env");
      list("setpriv", "--clear-groups");
      list("setpriv", "--groups", "0"); // as those of a shell of root's
      assertEquals(status().served - served, 3);
      Deno.kill(pid, "SIGKILL");
      await until(() => stateOf("hull-resident.service") !== "active", SECONDS);
      list("env");
      await until(() => stateOf("hull-resident.service") === "active", SECONDS);
      assert(status().pid !== pid);
    } finally {
      checkout.install("--uninstall", "--units", UNITS);
    }
    assertEquals(["socket", "service"].map((kind) => stateOf(`hull-resident.${kind}`)), [
      "inactive",
      "inactive",
    ]);
    assertEquals(isThere(SOCKET), false);
  },
);
