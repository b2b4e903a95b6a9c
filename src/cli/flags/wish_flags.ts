/**
 * The flags of `run` that name common wishes, as Podman spells them.
 *
 * @module
 */

import type { Flag } from "./command.ts";

/** The flags that a container is made by. */
export const WISH_FLAGS: readonly Flag[] = [
  {
    name: "interactive",
    letter: "i",
    summary: "accepted, as stdin is passed on anyway; =false: without stdin",
  },
  {
    name: "env",
    letter: "e",
    value: "NAME=VALUE",
    many: true,
    summary: "set a variable; NAME alone takes the caller's value, if there is one",
  },
  {
    name: "env-file",
    value: "FILE",
    many: true,
    summary: "set the variables of a file, each on a line of its own",
  },
  {
    name: "volume",
    letter: "v",
    value: "SOURCE:PLACE[:ro]",
    many: true,
    summary: "show a folder or file of the host",
  },
  {
    name: "mount",
    value: "type=TYPE,…",
    many: true,
    summary: "type=bind,source=,destination=[,ro], or type=tmpfs,destination=[,tmpfs-size=]",
  },
  {
    name: "tmpfs",
    value: "PLACE[:size=,mode=]",
    many: true,
    summary: "a folder in memory, of 64 MiB unless said otherwise",
  },
  { name: "user", letter: "u", value: "USER[:GROUP]", summary: "run as, by numbers or names" },
  { name: "workdir", letter: "w", value: "DIR", summary: "the folder to run in" },
  { name: "hostname", value: "NAME", summary: "the container's host name" },
  { name: "tz", value: "ZONE", summary: "the time zone, such as Europe/Berlin, or local" },
  { name: "memory", letter: "m", value: "BYTES", summary: "limit of memory, such as 256m" },
  { name: "memory-swap", value: "BYTES", summary: "limit of memory and swap; -1 for none" },
  { name: "cpus", value: "N", summary: "limit of CPU time, in CPUs, such as 1.5" },
  { name: "cpu-shares", letter: "c", value: "N", summary: "share of CPU time, 2 to 262144" },
  { name: "pids-limit", value: "N", summary: "most tasks; -1 for no limit" },
  { name: "read-only", summary: "a read-only root, or with =false one that can be written to" },
  { name: "cap-add", value: "CAP", many: true, summary: "add a capability, or ALL" },
  { name: "cap-drop", value: "CAP", many: true, summary: "take a capability away, or ALL" },
  { name: "privileged", summary: "all capabilities and devices, nothing of /proc and /sys hidden" },
  {
    name: "security-opt",
    value: "OPTION",
    many: true,
    summary: "seccomp=FILE or unconfined, no-new-privileges, apparmor=PROFILE",
  },
];

/** The flags about a run's end. */
export const END_FLAGS: readonly Flag[] = [
  { name: "timeout", value: "SECONDS", summary: "kill the container after so long" },
  { name: "rm", summary: "accepted, as the container is removed anyway; =false is --keep" },
];
