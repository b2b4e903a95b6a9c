/**
 * Programs that are files in memory, which the host may forbid: what a child becomes is one.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { memoryFile, MFD_EXEC } from "../../ffi/files/memory_file.ts";
import { forbiddenProgram } from "../failures/forbidden_program.ts";
import { failed, type Finding, ok, warning } from "./finding.ts";
import type { Host } from "./host.ts";

const SETTING = "/proc/sys/vm/memfd_noexec";

/** Makes such a file. */
function tryMemoryFile(): void {
  using _file = memoryFile("hull-doctor", MFD_EXEC);
}

/** Whether such a file can be made. */
export function memoryFindings(host: Host, make: () => void = tryMemoryFile): Finding[] {
  const setting = host.read(SETTING)?.trim();
  const told = setting === undefined ? "" : ` (vm.memfd_noexec is ${setting})`;
  try {
    make();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const remedy = "sysctl -w vm.memfd_noexec=1";
    const known = forbiddenProgram(error, `the program of hull exec and --supervise${told}`);
    if (known !== error) return [failed("memory", "problem", known, remedy)];
    return [warning("memory", `no file in memory can be made: ${error.message}`, "see dmesg")];
  }
  return [ok("memory", `files in memory can be executed${told}`)];
}
