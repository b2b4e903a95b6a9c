import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Config } from "../../../../src/config/types/config.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { detectSecurityModules, requireSecurityModules } from "../../../../src/security/lsm.ts";
import { scratchFolder } from "../../../fixtures/bundle.ts";

/** A host of some files. */
function host(files: Readonly<Record<string, string>>): { path: string } & Disposable {
  const folder = scratchFolder();
  for (const [name, text] of Object.entries(files)) {
    const path = `${folder.path}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(path, text);
  }
  return folder;
}

const APPARMOR = {
  "sys/module/apparmor/parameters/enabled": "Y\n",
  "sys/kernel/security/apparmor/profiles": "",
};
const SELINUX = {
  "proc/filesystems": "nodev\tproc\nnodev\tselinuxfs\n\text4\n",
  "proc/self/mountinfo":
    "24 1 8:1 / / rw - ext4 /dev/sda rw\n30 24 0:20 / /sys/fs/selinux rw - selinuxfs selinuxfs rw\n",
};

Deno.test("a host without security modules has none", () => {
  using nothing = host({ "proc/filesystems": "nodev\tproc\n" });
  assertEquals(detectSecurityModules(nothing.path), { apparmor: false, selinux: false });
});

Deno.test("AppArmor is on where the module says so and securityfs shows it", () => {
  using on = host(APPARMOR);
  using off = host({ ...APPARMOR, "sys/module/apparmor/parameters/enabled": "N\n" });
  using hidden = host({ "sys/module/apparmor/parameters/enabled": "Y\n" });
  const found = [on, off, hidden].map(({ path }) => detectSecurityModules(path).apparmor);
  assertEquals(found, [true, false, false]);
});

Deno.test("SELinux is on where its file system is registered and mounted", () => {
  using on = host(SELINUX);
  using unmounted = host({ "proc/filesystems": SELINUX["proc/filesystems"] });
  using other = host({ ...SELINUX, "proc/filesystems": "nodev\tproc\n" });
  const found = [on, unmounted, other].map(({ path }) => detectSecurityModules(path).selinux);
  assertEquals(found, [true, false, false]);
});

const LABELLED: Config = {
  ociVersion: "1.3.0",
  process: { cwd: "/", apparmorProfile: "web", selinuxLabel: "a:b:c:s0" },
  linux: { mountLabel: "a:b:d:s0" },
};

Deno.test("a profile or label without its module is refused, each by its field", () => {
  const refused = (apparmor: boolean, selinux: boolean) => {
    try {
      requireSecurityModules(LABELLED, () => ({ apparmor, selinux }));
      return [];
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      assertEquals(error.code, "Unsupported");
      return error.faults?.map(({ pointer }) => pointer) ?? [];
    }
  };
  const labels = ["/process/selinuxLabel", "/linux/mountLabel"];
  assertEquals(refused(true, true), []);
  assertEquals(refused(true, false), labels);
  assertEquals(refused(false, true), ["/process/apparmorProfile"]);
  assertEquals(refused(false, false), ["/process/apparmorProfile", ...labels]);
});

Deno.test("empty labels need no module, and the error says what to do", () => {
  const plain: Config = { ociVersion: "1.3.0", process: { cwd: "/", apparmorProfile: "" } };
  requireSecurityModules(plain, () => {
    throw new Error("looked without a need");
  });
  const error = assertThrows(
    () => requireSecurityModules(LABELLED, () => ({ apparmor: false, selinux: false })),
    ContainerError,
  );
  assertStringIncludes(error.message, "needs AppArmor, which is not enabled on this host");
  assertStringIncludes(error.message, "take the field out");
});
