/**
 * The network's settings below /proc/sys/net, of the network namespace that this program is in, by
 * the way on which nothing can stand in for them.
 *
 * Source: Documentation/networking/ip-sysctl.rst of Linux.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/errno.ts";
import { O_RDONLY, O_WRONLY, readAll, writeAll } from "../../../ffi/file.ts";
import { ContainerError } from "../../errors.ts";
import { openProc } from "../../security/procfs.ts";
import { openBeneath } from "../../security/safe_path.ts";
import { networkFailure } from "../failure.ts";

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
    if (error instanceof SyscallError && error.code === "ENOENT") return undefined;
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

/** Whether the host forwards IPv6 packets, for which it no longer listens to its own routers. */
export function forwardsIpv6(): boolean {
  return readSetting("ipv6/conf/all/forwarding") === "1";
}

function explained(verb: string, name: string, error: unknown): unknown {
  if (error instanceof ContainerError) return error;
  const path = `/proc/sys/net/${name}`;
  const hint = "/proc/sys must be writable where hull runs; or set it beforehand";
  return networkFailure(`cannot ${verb} net.${name.replaceAll("/", ".")}`, error, { path, hint });
}
