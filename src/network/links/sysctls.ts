/**
 * The network's settings below /proc/sys/net in this program's network namespace. They are opened
 * so that no other file can take their place.
 *
 * Source: Documentation/networking/ip-sysctl.rst of Linux.
 *
 * @module
 */

import { ENOENT, failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { Fd, O_DIRECTORY, O_RDONLY, O_WRONLY, readAll, writeAll } from "../../../ffi/files/file.ts";
import { openInNetwork } from "../../../ffi/processes/network_namespace.ts";
import { RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from "../../../ffi/files/path.ts";
import { ContainerError } from "../../errors.ts";
import { openProc } from "../../security/procfs.ts";
import { hasOpenat2, openBeneath } from "../../security/safe_path.ts";
import { networkFailure } from "./failure.ts";

/** Whether the host forwards IPv4 packets from one interface to another. */
export const IP_FORWARD = "ipv4/ip_forward";

/** Lets addresses of 127.0.0.0/8 be sent by an interface. */
export function routeLocalnet(bridge: string): string {
  return `ipv4/conf/${bridge}/route_localnet`;
}

/** Reads a setting; undefined if this kernel has none of the name. */
export function readSetting(name: string): string | undefined {
  try {
    using proc = openProc();
    using file = openBeneath(proc, `sys/net/${name}`, O_RDONLY);
    return new TextDecoder().decode(readAll(file)).trim();
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw explained("read", name, error);
  }
}

/**
 * Writes a setting.
 *
 * @throws {ContainerError} `SystemError`
 */
export function writeSetting(name: string, value: string): void {
  try {
    using proc = openProc();
    using file = openBeneath(proc, `sys/net/${name}`, O_WRONLY);
    writeAll(file, new TextEncoder().encode(value));
  } catch (error) {
    throw explained("set", name, error);
  }
}

/** Whether interfaces get IPv6 here. */
export function hasIpv6(): boolean {
  return ["all", "default"].every((each) => readSetting(`ipv6/conf/${each}/disable_ipv6`) === "0");
}

/** Whether the host forwards IPv6 packets. A host that does so ignores its own routers. */
export function forwardsIpv6(): boolean {
  return readSetting("ipv6/conf/all/forwarding") === "1";
}

/** The interfaces that have settings for IPv4, `all` and `default` among them. */
export function listInterfaces(): string[] {
  using proc = openProc();
  using _folder = openBeneath(proc, "sys/net/ipv4/conf", O_RDONLY | O_DIRECTORY);
  return [...Deno.readDirSync("/proc/sys/net/ipv4/conf")].map(({ name }) => name);
}

/**
 * Gives several settings the same value. Settings that this kernel lacks are skipped, and one that
 * has the value already is not written, so that no right is needed for it.
 *
 * @throws {ContainerError} `SystemError`
 */
export function setAlike(names: readonly string[], value: string): void {
  for (const name of names) {
    const now = readSetting(name);
    if (now !== undefined && now !== value) writeSetting(name, value);
  }
}

/**
 * The same in another network namespace.
 *
 * @throws {ContainerError} `SystemError`
 */
export function setAlikeIn(namespace: Fd, names: readonly string[], value: string): void {
  using stack = new DisposableStack();
  const proc = stack.use(openProc());
  const paths = names.map((name) => `sys/net/${name}`);
  const files = openInNetwork(namespace, proc, paths, O_WRONLY, hasOpenat2() ? STRICT : undefined);
  for (const file of files) if (file instanceof Fd) stack.use(file);
  const bytes = new TextEncoder().encode(value);
  for (const [k, file] of files.entries()) {
    const name = names[k] ?? "";
    try {
      if (file instanceof Fd) writeAll(file, bytes);
      else if (file !== ENOENT) throw new SyscallError("openat2", file, `/proc/sys/net/${name}`);
    } catch (error) {
      throw explained("set", name, error);
    }
  }
}

const STRICT = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

function explained(verb: string, name: string, error: unknown): unknown {
  if (error instanceof ContainerError) return error;
  const path = `/proc/sys/net/${name}`;
  const hint = "/proc/sys must be writable where hull runs; or set it beforehand";
  return networkFailure(`cannot ${verb} net.${name.replaceAll("/", ".")}`, error, { path, hint });
}
