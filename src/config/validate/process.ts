/**
 * Checks of `process` (config.md, Process), which is also the form of `exec`'s process.json.
 *
 * @module
 */

import { exactNumber } from "../fields/exact_json.ts";
import { CAPABILITY_NAMES, RLIMIT_TYPES, type RlimitType } from "../types/names.ts";
import { type Field, MAX_EXACT } from "../fields/field.ts";
import { checkCpuAffinity, checkIoPriority, checkScheduler } from "../sections/scheduling.ts";

/** RLIM_INFINITY, 2^64 - 1, as JSON.parse reads it. */
export const RLIMIT_INFINITY: number = 2 ** 64;

/** The five sets, in the spec's order. */
const CAPABILITY_SETS = ["bounding", "effective", "inheritable", "permitted", "ambient"] as const;
const KNOWN_CAPABILITIES: ReadonlySet<string> = new Set(CAPABILITY_NAMES);
/** What a winsize holds (ioctl_tty(2)). */
const MAX_CONSOLE = 0xffff;

/** The whole section. */
export function checkProcess(process: Field): void {
  if (!process.isObject()) return;
  checkConsole(process);
  checkUser(process.get("user"));
  checkCommand(process);
  checkCapabilities(process.get("capabilities"));
  checkRlimits(process.get("rlimits"));
  process.get("noNewPrivileges").boolean();
  process.get("apparmorProfile").string();
  process.get("selinuxLabel").string();
  process.get("oomScoreAdj").integer(-1000, 1000);
  checkScheduler(process.get("scheduler"));
  checkIoPriority(process.get("ioPriority"));
  checkCpuAffinity(process.get("execCPUAffinity"));
}

function checkConsole(process: Field): void {
  const terminal = process.get("terminal").boolean();
  const size = process.get("consoleSize");
  // the spec wants the size ignored without a terminal
  if (terminal !== true || !size.isObject()) return;
  size.need("height").integer(0, MAX_CONSOLE);
  size.need("width").integer(0, MAX_CONSOLE);
}

function checkUser(user: Field): void {
  if (!user.isObject()) return;
  user.get("uid").uint32();
  user.get("gid").uint32();
  user.get("umask").integer(0, 0o777);
  for (const gid of user.get("additionalGids").items()) gid.uint32();
}

function checkCommand(process: Field): void {
  process.need("cwd").absolutePath();
  const args = process.need("args", "is required: what shall be run?");
  args.strings();
  const first = args.items()[0];
  if (first !== undefined) first.filled();
  else if (Array.isArray(args.value)) args.fault("must have at least one entry");
  for (const entry of process.get("env").items()) {
    const text = entry.string();
    if (text !== undefined && text.indexOf("=") < 1) entry.mismatch("of the form NAME=value");
  }
}

/** A capability that this hull doesn't know is not a fault: the spec wants a warning. */
function checkCapabilities(capabilities: Field): void {
  if (!capabilities.isObject()) return;
  for (const set of CAPABILITY_SETS) {
    for (const capability of capabilities.get(set).items()) {
      const name = capability.string();
      if (name !== undefined && !KNOWN_CAPABILITIES.has(name)) {
        capability.warn(`is not a known capability and is left out: ${JSON.stringify(name)}`);
      }
    }
  }
  checkAmbient(capabilities);
}

/** The kernel raises what is both permitted and inheritable; runc warns about the others, too. */
function checkAmbient(capabilities: Field): void {
  const named = (set: string) => {
    const { value } = capabilities.get(set);
    return new Set(Array.isArray(value) ? value : []);
  };
  const [permitted, inheritable] = [named("permitted"), named("inheritable")];
  const ambient = capabilities.get("ambient");
  const lost = ambient.items().map(({ value }) => value).filter((value) =>
    typeof value === "string" && KNOWN_CAPABILITIES.has(value) &&
    !(permitted.has(value) && inheritable.has(value))
  );
  if (lost.length === 0) return;
  ambient.warn(`can only have what is permitted and inheritable, and so not ${lost.join(", ")}`);
}

function checkRlimits(rlimits: Field): void {
  const seen = new Set<RlimitType>();
  for (const rlimit of rlimits.items()) {
    if (!rlimit.isObject()) continue;
    const type = rlimit.need("type").oneOf(RLIMIT_TYPES);
    if (type !== undefined && seen.has(type)) rlimit.fault(`is a second limit of ${type}`);
    if (type !== undefined) seen.add(type);
    const soft = rlimitValue(rlimit.need("soft"));
    const hard = rlimitValue(rlimit.need("hard"));
    if (soft !== undefined && hard !== undefined && soft > hard) {
      rlimit.get("soft").fault(
        `must not be above hard: ${exactNumber(soft)} > ${exactNumber(hard)}`,
      );
    }
  }
}

/** The spec wants getrlimit to give the very number, so one that JSON rounds can't be taken. */
function rlimitValue(field: Field): number | undefined {
  return field.value === RLIMIT_INFINITY ? RLIMIT_INFINITY : field.integer(0, MAX_EXACT);
}
