/**
 * Device files and the links of /dev.
 *
 * Source: the runtime-spec's "Default Devices" and "Dev symbolic links"; mknod(2).
 *
 * @module
 */

import { EEXIST } from "../../../ffi/c/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
} from "../../../ffi/files/file.ts";
import { deviceNumber, S_IFCHR, S_IFMT, S_IFREG } from "../../../ffi/files/file_status.ts";
import {
  MOUNT_ATTR,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import type { Device, Mount } from "../../../src/config/types/config.ts";
import { ContainerError } from "../../../src/errors.ts";
import type { Facts, NodeStatus } from "../../operations/facts.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { attach, cover, setAttributes } from "./mount_calls.ts";
import { makeMissing, openPlace, ROOT } from "../places/paths.ts";
import { DEVICE_TYPES, requireNode, skipUnless } from "../places/verify.ts";

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

/**
 * The config's devices, and the default ones that it doesn't name. Of two at one path the first
 * counts.
 */
function allDevices(devices: readonly Device[]): PlannedDevice[] {
  const planned = new Map<string, PlannedDevice>();
  devices.forEach((device, k) => {
    const pointer = `/linux/devices/${k}`;
    const { device: first } = planned.get(device.path) ?? {};
    if (first === undefined) planned.set(device.path, { device, pointer });
    else if (!isSameDevice(deviceNode(first), deviceNode(device))) {
      throw deviceError(
        device,
        pointer,
        "an earlier entry has another device there",
        "take one out",
      );
    }
  });
  const defaults = DEFAULT_DEVICES.filter(({ path }) => !planned.has(path))
    .map((device) => ({ device, pointer: "/linux/devices" }));
  return [...defaults, ...planned.values()];
}

/**
 * Makes the device files; in a user namespace, where mknod of a device is refused, it binds the
 * host's. If a file is there already, it must be that device: the spec asks for an error otherwise,
 * and a file in place of /dev/null would keep what a program means to throw away.
 *
 * @param devices the config's
 * @param bind whether to bind the host's devices
 * @param mounts the config's, which are made
 * @throws {ContainerError} `InitFailed` where another file stands, or the host lacks the device
 */
export function makeDevices(
  devices: readonly Device[],
  bind: boolean,
  mounts: readonly Mount[],
  facts: Facts,
): PlanItem[] {
  const step = new StepBuilder("devices");
  const count = mounts.length;
  const folders = new Map<string, OpenFolder>();
  allDevices(devices).forEach(({ device, pointer }, k) => {
    const path = device.path.replace(/\/+$/, "");
    const at = path.lastIndexOf("/");
    const name = path.slice(at + 1);
    const label = `device${k}`;
    step.because(`make ${device.path}`, device.path, pointer);
    const folder = openFolder(step, path.slice(0, at), folders, count, facts);
    const place: DevicePlace = { ...folder, name, label, pointer };
    if (bind && device.type !== "p") {
      bindDevice(step, device, place, facts.hostNode(device.path));
      return;
    }
    const isKnown = facts.destination(device.path, count).isSure;
    const there = isKnown ? facts.node([...folder.components, name], count) : "unknown";
    makeDevice(step, device, place, there);
  });
  step.close(...[...folders.values()].map(({ folder }) => folder));
  return step.items;
}

/** A folder that is open under a label, and where it is inside the root. */
interface OpenFolder {
  readonly folder: string;
  readonly components: readonly string[];
}

interface DevicePlace extends OpenFolder {
  readonly name: string;
  readonly label: string;
  readonly pointer: string;
}

function openFolder(
  step: StepBuilder,
  path: string,
  folders: Map<string, OpenFolder>,
  mounts: number,
  facts: Facts,
): OpenFolder {
  const known = folders.get(path);
  if (known !== undefined) return known;
  const folder = `devices${path}`;
  const destination = facts.destination(path === "" ? "/" : path, mounts);
  const { components } = destination;
  if (destination.isSure || !facts.hasOpenat2) {
    makeMissing(step, destination, "directory", folder);
    openPlace(step, "/" + components.join("/"), folder, { directory: true });
  } else step.place(ROOT, path, folder, "directory");
  const opened = { folder, components };
  folders.set(path, opened);
  return opened;
}

/** What a device of the config is when it is made. Type bits in its `fileMode` are ignored. */
export function deviceNode({ type, major = 0, minor = 0, fileMode = 0o666 }: Device): NodeStatus {
  const number = type === "p" ? { major: 0, minor: 0 } : { major, minor };
  return { mode: (DEVICE_TYPES[type] as number) | (fileMode & 0o7777), ...number };
}

function isSameDevice(a: NodeStatus, b: NodeStatus): boolean {
  return (a.mode & S_IFMT) === (b.mode & S_IFMT) && a.major === b.major && a.minor === b.minor;
}

/**
 * @param there what stands there, or `unknown` on a file system that can't be looked at beforehand
 */
function makeDevice(
  step: StepBuilder,
  device: Device,
  { folder, name, label, pointer }: DevicePlace,
  there: NodeStatus | "unknown" | undefined,
): void {
  const { uid = 0, gid = 0 } = device;
  const asked = deviceNode(device);
  if (typeof there === "object" && !isSameDevice(there, asked)) {
    throw deviceError(device, pointer, "another file stands there", "remove it from the rootfs");
  }
  const hasOwner = uid !== 0 || gid !== 0;
  const made = there === "unknown" && hasOwner ? `${label}.made` : undefined;
  if (typeof there !== "object") {
    const { mode, major, minor } = asked;
    step.call("mknodat", [result(folder), name, mode, deviceNumber(major, minor)], {
      label: made,
      tolerated: there === "unknown" ? "EEXIST" : undefined,
    });
  }
  if (there === undefined) {
    if (hasOwner) step.call("fchownat", [result(folder), name, uid, gid, AT_SYMLINK_NOFOLLOW]);
    return;
  }
  step.because(`check that ${device.path} is the device asked for`, device.path, pointer)
    .call("openat", [result(folder), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], { label });
  requireNode(step, label, there === "unknown" ? asked : there);
  if (made !== undefined) {
    // what stood there before, on a volume for one, is not init's to give away
    const [own, done] = [`${label}.own`, `${label}.done`];
    skipUnless(step, made, EEXIST, { label: `${label}.there`, next: own });
    step.jump(done);
    step.call("fchownat", [result(label), "", uid, gid, AT_EMPTY_PATH], { label: own });
    step.land(done);
  }
  step.close(label);
}

function bindDevice(
  step: StepBuilder,
  device: Device,
  { folder, name, label, pointer }: DevicePlace,
  there: NodeStatus | undefined,
): void {
  const hint = "in a user namespace the host's device is bound, and so must be there";
  if (there === undefined) throw deviceError(device, pointer, "the host has none", hint);
  if (!isSameDevice(there, deviceNode(device))) {
    throw deviceError(device, pointer, "the host has another file there", hint);
  }
  step.call("mknodat", [result(folder), name, S_IFREG | 0o600, 0], { tolerated: "EEXIST" });
  step.call("openat", [result(folder), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], {
    label: `${label}.place`,
  });
  step.because(`check that the host's ${device.path} is the device asked for`, device.path, pointer)
    .call("openat", [AT_FDCWD, device.path, O_PATH | O_CLOEXEC, 0], { label });
  requireNode(step, label, there);
  step.because(`bind the host's ${device.path}`, device.path, pointer)
    .call("open_tree", [result(label), "", COPY | AT_EMPTY_PATH], { label: `${label}.mount` });
  // The bind must serve as a device only: setuid bits of the host's file don't count, and nothing
  // can be executed from it.
  setAttributes(step, `${label}.mount`, mountAttributes(NOSUID | NOEXEC, 0));
  attach(step, `${label}.mount`, `${label}.place`);
  step.close(label, `${label}.mount`, `${label}.place`);
}

const { NOSUID, NOEXEC } = MOUNT_ATTR;
const COPY = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

function deviceError(
  { path, type, major = 0, minor = 0 }: Device,
  pointer: string,
  what: string,
  hint: string,
): ContainerError {
  const device = type === "p" ? "a fifo" : `the ${type} device ${major}:${minor}`;
  const summary = `cannot make ${path}, ${device}: ${what}`;
  return new ContainerError("InitFailed", summary, { step: "devices", path, pointer, hint });
}

/** The host's null device, with the permissions that it has there. */
export function hostNull(facts: Facts): NodeStatus {
  const { mode } = facts.hostNode("/dev/null") ?? { mode: 0o666 };
  return { mode: S_IFCHR | (mode & 0o7777), major: 1, minor: 3 };
}

/**
 * What /dev/null must be in a /dev of init's making for files to be masked with it.
 *
 * @param bind whether the host's is bound
 */
export function ownNull(devices: readonly Device[], bind: boolean, facts: Facts): NodeStatus {
  if (bind) return hostNull(facts);
  const mode = devices.find(({ path }) => path === "/dev/null")?.fileMode ?? 0o666;
  return { mode: S_IFCHR | (mode & 0o7777), major: 1, minor: 3 };
}

/** Makes the links of /dev; links that are there already stay. */
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
export function protectDev(pointer: string, isDetached: boolean): PlanItem[] {
  const step = new StepBuilder("devices");
  step.because("make /dev read-only", "/dev", pointer);
  openPlace(step, "/dev", "dev.readonly");
  const attributes = mountAttributes(MOUNT_ATTR.RDONLY, 0);
  if (isDetached) cover(step, "dev.readonly", "dev.cover", attributes);
  else setAttributes(step, "dev.readonly", attributes, { flags: AT_EMPTY_PATH });
  step.close("dev.readonly");
  return step.items;
}
