/**
 * The processes of this worker's own pid namespace, where nobody else's are.
 *
 * @module
 */

const before = new Set(pids());

function pids(): string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) =>
    /^\d+$/.test(name)
  );
}

/** Processes that were not there when this worker began; what is ending gets some time to. */
export function newProcesses(): ReadonlyMap<string, string> {
  for (let look = 0;; look++) {
    const found = new Map<string, string>();
    for (const pid of pids()) {
      if (before.has(pid)) continue;
      const name = nameOf(pid);
      if (name !== undefined) found.set(name, "there");
    }
    if (found.size === 0 || look === 100) {
      killNew();
      return found;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

function nameOf(pid: string): string | undefined {
  try {
    const [, name, state] = /\((.*)\) (.)/s.exec(Deno.readTextFileSync(`/proc/${pid}/stat`)) ?? [];
    return state === "Z" ? undefined : name;
  } catch {
    return undefined;
  }
}

/** Ends all of them. */
export function killNew(): void {
  for (const pid of pids()) if (!before.has(pid)) kill(pid);
}

function kill(pid: string): void {
  try {
    Deno.kill(Number(pid), "SIGKILL");
  } catch {
    // it has ended
  }
}
