/**
 * Limits that a host with many containers meets first, and its clocks.
 *
 * Source: getrlimit(2), keyrings(7), the kernel's admin-guide/sysctl/kernel.rst.
 *
 * @module
 */

import { type Finding, ok, warning } from "./finding.ts";
import type { Host } from "./host.ts";

const LEAST_FDS = 1024;
const LEAST_PROCESSES = 1024;
const LEAST_PIDS = 4096;
/** A kernel is not older than this program: when the clock says so, nobody has set it. */
const EARLIEST = Date.UTC(2024, 0);
/** What is read without a system call. */
const FAST_CLOCKS = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

/** How much of each there can be. */
export function limitFindings(host: Host): Finding[] {
  const findings: Finding[] = [];
  const fds = host.softLimit("RLIMIT_NOFILE");
  const processes = host.softLimit("RLIMIT_NPROC");
  const pids = Number(host.read("/proc/sys/kernel/pid_max")?.trim() ?? Infinity);
  const keys = Number(host.read("/proc/sys/kernel/keys/maxkeys")?.trim() ?? Infinity);
  if (fds < LEAST_FDS) {
    findings.push(
      warning("limits", `only ${fds} open files per process`, `ulimit -n ${LEAST_FDS}`),
    );
  }
  if (processes < LEAST_PROCESSES && host.uid !== 0) {
    const told = `only ${processes} processes for this user, all containers together`;
    findings.push(warning("limits", told, `ulimit -u ${LEAST_PROCESSES * 4}`));
  }
  if (pids < LEAST_PIDS) {
    const told = `only ${pids} processes on this host`;
    findings.push(warning("limits", told, "sysctl -w kernel.pid_max=4194304"));
  }
  if (host.uid !== 0 && keys < Infinity) {
    findings.push(ok(
      "limits",
      `each container has a keyring, of which a user may have ${keys} ` +
        "(sysctl kernel.keys.maxkeys; --no-new-keyring makes none)",
    ));
  }
  const told = (value: number) => value >= 2 ** 64 ? "any number of" : String(value);
  if (findings.every(({ level }) => level === "ok")) {
    findings.unshift(ok("limits", `${told(fds)} open files, ${told(processes)} processes`));
  }
  return findings;
}

/** Whether the time is set, and can be read fast. */
export function clockFindings(host: Host): Finding[] {
  const source = host.read("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    ?.trim();
  const now = new Date(host.now());
  if (now.getTime() < EARLIEST) {
    const told = `the clock says ${now.toISOString()}: states and logs get that time`;
    return [warning("clock", told, "set it (timedatectl set-ntp true, or date -s)")];
  }
  const told = `${now.toISOString()}${source === undefined ? "" : `, from ${source}`}`;
  if (source === undefined || FAST_CLOCKS.includes(source)) return [ok("clock", told)];
  return [
    ok("clock", `${told}: each look at the time is a system call, which slows programs down`),
  ];
}
