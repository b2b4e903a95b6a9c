/**
 * Hints for users of the command line. The library's hints name options and calls; here these are
 * flags and commands.
 *
 * @module
 */

/** The library's hints that don't fit the command line, and what is printed instead. */
export const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  ["resume it first, or set ignorePaused", "resume it first, or use hull exec --ignore-paused"],
  ["kill it first, or destroy it with force", "kill it first, or use hull delete --force"],
  [
    "destroy it with force: what can be found of it is ended then",
    "use hull delete --force: what can be found of it is ended then",
  ],
  [
    "mount cgroup2 at /sys/fs/cgroup, or choose the cgroup driver disabled",
    "mount cgroup2 at /sys/fs/cgroup, or use hull --cgroup-manager disabled",
  ],
  ["choose the cgroup driver systemd, which may make it", "use hull --systemd-cgroup"],
  [
    "let hull choose, or ask for a re-executed init",
    "leave out --init, or use --init reexec",
  ],
  [
    "name a root folder that only its user may write to, or let hull make one below this",
    "name a folder with --root that only its user may write to, or without root's rights by " +
    "XDG_RUNTIME_DIR, or let hull make one below this",
  ],
  [
    "name another root folder: where this one should be, none can be made",
    "name another folder with --root: where this one should be, none can be made",
  ],
  [
    "Factory.list tells which there are; another root folder has others",
    "hull list shows which there are; another --root has others",
  ],
  ["another one has its id now: load it", "another one has its id now: call hull again"],
]);
