/**
 * How a process of one thread enters a cgroup without a stop of the others.
 *
 * A process that writes to `cgroup.procs` moves with all its threads, which must stand still for it:
 * the kernel waits for every other CPU's grace period then, some ten milliseconds, if nobody has
 * moved in the last moments. A thread that moves itself alone, by a zero in v1's `tasks`, waits for
 * nobody. Every process that enters a container's cgroups has one thread, or will at execve.
 *
 * On v2 a single thread can't leave its process's domain, see cgroups(7), "Cgroups v2 thread mode",
 * but a process can be born in a cgroup: clone(2), CLONE_INTO_CGROUP. Who is born in the container's
 * is charged with what it is before it is the container's program, so that is for a v2 tree beside v1,
 * which has no controllers.
 *
 * @module
 */

/** The name of the file, for the controllers of the cgroup: "" for cgroup v2. */
export function entryFile(controller: string): "tasks" | "cgroup.procs" {
  return controller === "" ? "cgroup.procs" : "tasks";
}
