/**
 * Checks of `linux.seccomp` (config-linux.md, Seccomp).
 *
 * @module
 */

import {
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FLAGS,
  SECCOMP_OPERATORS,
} from "../types/names.ts";
import type { Field } from "../fields/field.ts";

/** SECCOMP_RET_DATA: the bits of an action that carry a number (seccomp(2)). */
const MAX_TRACE_RET = 0xffff;
/** The kernel's MAX_ERRNO is 4095; libseccomp takes what is below it. */
const MAX_ERRNO_RET = 4094;
/** A system call has six arguments. */
const MAX_ARGUMENT_INDEX = 5;

/** The whole section. */
export function checkSeccomp(seccomp: Field): void {
  if (!seccomp.isObject()) return;
  const actions = [
    checkAction(seccomp.need("defaultAction"), seccomp.get("defaultErrnoRet")),
    ...seccomp.get("syscalls").items().map(checkSyscall),
  ];
  for (const architecture of seccomp.get("architectures").items()) {
    architecture.oneOf(SECCOMP_ARCHITECTURES);
  }
  for (const flag of seccomp.get("flags").items()) flag.oneOf(SECCOMP_FLAGS);
  const notifies = actions.includes("SCMP_ACT_NOTIFY");
  checkListener(seccomp, notifies);
  if (notifies) checkHandOver(seccomp);
}

/**
 * With a listener the filter is loaded before init hands over to its parent, which takes a read and
 * a write. The agent does not have the listener yet and can't answer for these calls, so a profile
 * that notifies or denies them would stop every start.
 */
function checkHandOver(seccomp: Field): void {
  const defaultAction = seccomp.get("defaultAction");
  if (defaultAction.value === "SCMP_ACT_NOTIFY") {
    defaultAction.fault("can't be SCMP_ACT_NOTIFY: init needs read and write to hand over");
    return;
  }
  for (const name of HAND_OVER) {
    const rules = seccomp.get("syscalls").items()
      .filter((rule) => rule.get("names").items().some(({ value }) => value === name));
    for (const rule of rules) {
      const action = rule.get("action");
      if (LETS_PASS.has(action.value)) continue;
      action.fault(`can't be ${action.value} for ${name}: init needs it to hand over a listener`);
    }
    if (rules.length > 0 || LETS_PASS.has(defaultAction.value)) continue;
    seccomp.get("syscalls").fault(`must allow ${name}: init needs it to hand over a listener`);
  }
}

const HAND_OVER = ["read", "write"];
const LETS_PASS: ReadonlySet<unknown> = new Set(["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]);

function checkAction(action: Field, errnoRet: Field): string | undefined {
  const name = action.oneOf(SECCOMP_ACTIONS);
  errnoRet.integer(0, name === "SCMP_ACT_ERRNO" ? MAX_ERRNO_RET : MAX_TRACE_RET);
  const carriesErrno = name === "SCMP_ACT_ERRNO" || name === "SCMP_ACT_TRACE";
  if (errnoRet.exists && name !== undefined && !carriesErrno) {
    errnoRet.fault(`can only be set for SCMP_ACT_ERRNO and SCMP_ACT_TRACE, not for ${name}`);
  }
  return name;
}

function checkSyscall(rule: Field): string | undefined {
  if (!rule.isObject()) return undefined;
  const names = rule.need("names");
  const items = names.items();
  if (Array.isArray(names.value) && items.length === 0) {
    names.fault("must have at least one entry");
  }
  for (const name of items) name.filled();
  for (const arg of rule.get("args").items()) {
    if (!arg.isObject()) continue;
    arg.need("index").integer(0, MAX_ARGUMENT_INDEX);
    arg.need("value").uint64();
    arg.get("valueTwo").uint64();
    arg.need("op").oneOf(SECCOMP_OPERATORS);
  }
  return checkAction(rule.need("action"), rule.get("errnoRet"));
}

function checkListener(seccomp: Field, notifies: boolean): void {
  const [path, metadata] = [seccomp.get("listenerPath"), seccomp.get("listenerMetadata")];
  const given = path.string() !== undefined && path.value !== "";
  if (given) path.absolutePath();
  if (notifies && !given) path.fault("is required: SCMP_ACT_NOTIFY needs a listener");
  if (metadata.string() && !given) metadata.fault("can only be set with listenerPath");
}
