/**
 * How a process with one thread enters a cgroup without stopping other processes.
 *
 * A process that writes to `cgroup.procs` moves with all its threads, and they must stand still for
 * it: the kernel waits for a grace period of every CPU, some ten milliseconds, unless another
 * process has moved just before. A thread that moves only itself, by writing a zero to v1's
 * `tasks`, does not wait. Every process that enters a container's cgroups has one thread, or will
 * have one after execve.
 *
 * On v2 a single thread can't leave its process's domain, see cgroups(7), "Cgroups v2 thread mode",
 * but a process can be born in a cgroup: clone(2), CLONE_INTO_CGROUP. A process that is born in the
 * container's cgroup is charged for what it uses before it becomes the container's program. So this
 * is only done in a v2 tree beside v1, which has no controllers.
 *
 * @module
 */

/** The name of the file, for the controllers of the cgroup: "" for cgroup v2. */
export function entryFile(controller: string): "tasks" | "cgroup.procs" {
  return controller === "" ? "cgroup.procs" : "tasks";
}
