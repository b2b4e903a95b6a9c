/**
 * Checks of `linux.resources` (config-linux.md, Control groups) without block I/O.
 *
 * @module
 */

import { DEVICE_RULE_TYPES } from "../types/names.ts";
import { checkBlockIo } from "./block_io.ts";
import { type Field, MAX_EXACT, MAX_UINT32 } from "../fields/field.ts";
import { checkInterfaceName } from "./network.ts";
import { checkList } from "./scheduling.ts";

const HUGEPAGE_SIZE = /^[1-9][0-9]*[KMG]B$/;
/** cpu.cfs_period_us and cpu.cfs_quota_us: 1 ms to 1 s (sched-bwc.rst). */
const MIN_BANDWIDTH_US = 1000;
const MAX_PERIOD_US = 1_000_000;

/**
 * The whole section. In a container's config (`whole`) the fields must fit each other; in an update
 * of a running container a field may fit what was set before.
 */
export function checkResources(resources: Field, whole: boolean): void {
  if (!resources.isObject()) return;
  checkDeviceRules(resources.get("devices"));
  checkMemory(resources.get("memory"), whole);
  checkCpu(resources.get("cpu"));
  const pids = resources.get("pids");
  if (pids.isObject()) pids.get("limit").integer(-MAX_EXACT, 2 ** 64);
  checkBlockIo(resources.get("blockIO"));
  checkHugepages(resources.get("hugepageLimits"));
  checkNetwork(resources.get("network"));
  checkRdma(resources.get("rdma"));
  checkUnified(resources.get("unified"));
}

function checkDeviceRules(rules: Field): void {
  for (const rule of rules.items()) {
    if (!rule.isObject()) continue;
    rule.need("allow").boolean();
    if (rule.get("type").value !== "") rule.get("type").oneOf(DEVICE_RULE_TYPES);
    rule.get("major").integer(-1, MAX_UINT32);
    rule.get("minor").integer(-1, MAX_UINT32);
    const access = rule.get("access");
    const letters = access.string();
    if (letters !== undefined && !/^[rwm]+$/.test(letters)) access.mismatch("letters of rwm");
  }
}

function checkMemory(memory: Field, whole: boolean): void {
  if (!memory.isObject()) return;
  const limit = memory.get("limit").limit() ?? 0;
  const swap = memory.get("swap").limit() ?? 0;
  memory.get("reservation").limit();
  for (const name of ["kernel", "kernelTCP"]) {
    // -1, no limit, is what there is
    if ((memory.get(name).limit() ?? 0) > 0) memory.get(name).warn("is obsolete and ignored");
  }
  memory.get("swappiness").integer(0, 100);
  for (const name of ["disableOOMKiller", "useHierarchy", "checkBeforeUpdate"]) {
    memory.get(name).boolean();
  }
  if (swap > 0 && limit > 0 && swap < limit) {
    memory.get("swap").fault(`is memory and swap together, not below limit: ${swap} < ${limit}`);
  } else if (whole && swap > 0 && limit === 0) {
    memory.get("swap").fault("needs a memory limit beside it");
  } else if (limit === -1 && swap > 0) {
    memory.get("swap").fault("can't be limited while limit is -1, unlimited");
  }
}

function checkCpu(cpu: Field): void {
  if (!cpu.isObject()) return;
  const shares = cpu.get("shares").uint64() ?? 0;
  if (shares === 1 || shares > 262_144) {
    cpu.get("shares").warn(
      `is outside of 2 to 262144: v1 refuses it, v2 takes the nearest of them: ${shares}`,
    );
  }
  const quota = cpu.get("quota").int64() ?? 0;
  if (quota > 0 && quota < MIN_BANDWIDTH_US) {
    cpu.get("quota").mismatch(`${MIN_BANDWIDTH_US} µs or more, or negative for no limit`);
  }
  checkPeriod(cpu.get("period"));
  const burst = cpu.get("burst").uint64() ?? 0;
  if (quota > 0 && burst > quota) {
    cpu.get("burst").fault(`must not be above quota: ${burst} > ${quota}`);
  }
  const realtimePeriod = cpu.get("realtimePeriod").uint64() ?? 0;
  const realtimeRuntime = cpu.get("realtimeRuntime").int64() ?? 0;
  if (realtimePeriod > 0 && realtimeRuntime > realtimePeriod) {
    cpu.get("realtimeRuntime").fault("must not be above realtimePeriod");
  }
  checkList(cpu.get("cpus"), "CPUs");
  checkList(cpu.get("mems"), "memory nodes");
  cpu.get("idle").integer(0, 1);
}

function checkPeriod(period: Field): void {
  const value = period.uint64();
  if (value === undefined || value === 0) return;
  if (value < MIN_BANDWIDTH_US || value > MAX_PERIOD_US) {
    period.mismatch(`0 or ${MIN_BANDWIDTH_US} to ${MAX_PERIOD_US} µs`);
  }
}

function checkHugepages(limits: Field): void {
  for (const entry of limits.items()) {
    if (!entry.isObject()) continue;
    const pageSize = entry.need("pageSize");
    const size = pageSize.string();
    if (size !== undefined && !HUGEPAGE_SIZE.test(size)) {
      pageSize.mismatch("a page size such as 64KB, 2MB, 1GB");
    }
    entry.need("limit").limit(0);
  }
}

function checkNetwork(network: Field): void {
  if (!network.isObject()) return;
  network.get("classID").uint32();
  for (const entry of network.get("priorities").items()) {
    if (!entry.isObject()) continue;
    checkInterfaceName(entry.need("name"), entry.get("name").string());
    entry.need("priority").uint32();
  }
}

function checkRdma(rdma: Field): void {
  for (const [device, limit] of rdma.entries()) {
    if (device === "" || /[\s/]/.test(device)) limit.fault("must be under the name of a device");
    if (!limit.isObject()) continue;
    const [handles, objects] = [limit.get("hcaHandles"), limit.get("hcaObjects")];
    handles.uint32();
    objects.uint32();
    if (!handles.exists && !objects.exists) limit.fault("must have hcaHandles or hcaObjects");
  }
}

/** A key is a file name: with a slash it could write to another cgroup. */
function checkUnified(unified: Field): void {
  for (const [file, value] of unified.entries()) {
    value.string();
    if (!/^[^./\s]+\.[^/\s]+$/.test(file)) {
      value.fault("must be under the name of a cgroup file such as memory.high, without a slash");
    }
  }
}
