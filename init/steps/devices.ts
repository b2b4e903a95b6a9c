/**
 * Device files and the links of /dev.
 *
 * Source: the runtime-spec's "Default Devices" and "Dev symbolic links"; mknod(2).
 *
 * @module
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  deviceNumber,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFREG,
} from "../../ffi/file.ts";
import {
  MOUNT_ATTR,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../ffi/mount.ts";
import type { Device } from "../../src/config/types.ts";
import type { Facts } from "../facts.ts";
import { type PlanItem, result, StepBuilder } from "../operation.ts";
import { attach, setAttributes } from "./mounts.ts";
import { makeMissing, openPlace } from "./paths.ts";

/** The devices that every container has. */
const DEFAULT_DEVICES: readonly Device[] = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
].map(([name, major, minor]) => ({
  path: `/dev/${name}`,
  type: "c",
  major: major as number,
  minor: minor as number,
  fileMode: 0o666,
}));

const TYPES: Readonly<Record<string, number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

/** The links of /dev: name, target. */
const LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["core", "/proc/kcore"],
];

/** A device with the field of config.json that it comes from. */
interface PlannedDevice {
  readonly device: Device;
  readonly pointer: string;
}

/** The config's devices, and the default ones that it doesn't name. */
function allDevices(devices: readonly Device[]): PlannedDevice[] {
  const named = new Set(devices.map(({ path }) => path));
  return [
    ...DEFAULT_DEVICES.filter(({ path }) => !named.has(path))
      .map((device) => ({ device, pointer: "/linux/devices" })),
    ...devices.map((device, k) => ({ device, pointer: `/linux/devices/${k}` })),
  ];
}

/**
 * Makes the device files; in a user namespace, where mknod is refused, it binds the host's.
 *
 * @param devices the config's
 * @param bind whether to bind the host's devices
 * @param mounts how many mounts of the config are made
 */
export function makeDevices(
  devices: readonly Device[],
  bind: boolean,
  mounts: number,
  facts: Facts,
): PlanItem[] {
  const step = new StepBuilder("devices");
  const folders = new Map<string, string>();
  allDevices(devices).forEach(({ device, pointer }, k) => {
    step.because(`make ${device.path}`, device.path, pointer);
    const at = device.path.lastIndexOf("/");
    const name = device.path.slice(at + 1);
    const folder = openFolder(step, device.path.slice(0, at), folders, mounts, facts);
    if (bind) bindDevice(step, device, folder, name, `device${k}`);
    else makeDevice(step, device, folder, name);
  });
  step.close(...folders.values());
  return step.items;
}

function openFolder(
  step: StepBuilder,
  path: string,
  folders: Map<string, string>,
  mounts: number,
  facts: Facts,
): string {
  const known = folders.get(path);
  if (known !== undefined) return known;
  const label = `devices${path}`;
  const destination = facts.destination(path === "" ? "/" : path, mounts);
  makeMissing(step, destination, "directory", label);
  openPlace(step, "/" + destination.components.join("/"), label, { directory: true });
  folders.set(path, label);
  return label;
}

/** What stands there already is left as it is, as other runtimes do. */
function makeDevice(step: StepBuilder, device: Device, folder: string, name: string): void {
  const { type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  const mode = (TYPES[type] as number) | (fileMode & 0o7777);
  const number = type === "p" ? 0n : deviceNumber(major, minor);
  step.call("mknodat", [result(folder), name, mode, number], { tolerated: "EEXIST" });
  if (uid !== 0 || gid !== 0) {
    step.call("fchownat", [result(folder), name, uid, gid, AT_SYMLINK_NOFOLLOW]);
  }
}

function bindDevice(
  step: StepBuilder,
  device: Device,
  folder: string,
  name: string,
  label: string,
): void {
  step.call("mknodat", [result(folder), name, S_IFREG | 0o600, 0], { tolerated: "EEXIST" });
  openPlace(step, device.path, `${label}.place`, { followLinks: false });
  step.call("open_tree", [AT_FDCWD, device.path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], {
    label: `${label}.mount`,
  });
  attach(step, `${label}.mount`, `${label}.place`);
  step.close(`${label}.mount`, `${label}.place`);
}

/** Makes the links of /dev; one that is there already stays. */
export function makeDeviceLinks(facts: Facts): PlanItem[] {
  const step = new StepBuilder("devices");
  const label = "links";
  step.because("open /dev", "/dev");
  openPlace(step, "/dev", label, { directory: true });
  for (const [name, target] of LINKS) {
    if (name === "core" && facts.hostKind(target) === "missing") continue;
    step.because(`link /dev/${name}`, `/dev/${name}`)
      .call("symlinkat", [target, result(label), name], { tolerated: "EEXIST" });
  }
  step.because("link /dev/ptmx", "/dev/ptmx")
    .call("unlinkat", [result(label), "ptmx", 0], { tolerated: "ENOENT" })
    .call("symlinkat", ["pts/ptmx", result(label), "ptmx"]);
  step.close(label);
  return step.items;
}

/** /dev stays writable until its files are made. */
export function protectDev(pointer: string): PlanItem[] {
  const step = new StepBuilder("devices");
  step.because("make /dev read-only", "/dev", pointer);
  openPlace(step, "/dev", "dev.readonly");
  setAttributes(step, "dev.readonly", mountAttributes(MOUNT_ATTR.RDONLY, 0), {
    flags: AT_EMPTY_PATH,
  });
  step.close("dev.readonly");
  return step.items;
}
