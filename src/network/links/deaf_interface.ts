/**
 * Makes interfaces ignore router advertisements: a container can send them as well as a router, and
 * would become the router of every interface that accepts them (CVE-2020-13401).
 *
 * Source: Documentation/networking/ip-sysctl.rst of Linux.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { setAlike, setAlikeIn } from "./sysctls.ts";

/** Settings about advice of routers. */
const ADVICE = ["ipv6/accept_ra", "ipv6/autoconf", "ipv6/accept_redirects"];
/** Further settings of a bridge that the host's defaults may have switched on. */
const BRIDGE = [...ADVICE, "ipv6/proxy_ndp", "ipv4/accept_redirects", "ipv4/proxy_arp"];

/**
 * Makes an interface of this program's namespace deaf, before it is up.
 *
 * @param isBridge whether the host itself is reached by it
 * @throws {ContainerError} `SystemError`
 */
export function makeDeaf(name: string, isBridge = false): void {
  setAlike(settingsOf(name, isBridge ? BRIDGE : ADVICE), "0");
}

/**
 * Makes an interface of another namespace deaf, before it is up.
 *
 * @throws {ContainerError} `SystemError`
 */
export function makeDeafIn(namespace: Fd, name: string): void {
  setAlikeIn(namespace, settingsOf(name, ADVICE), "0");
}

function settingsOf(name: string, words: readonly string[]): string[] {
  return words.map((word) => word.replace("/", `/conf/${name}/`));
}
