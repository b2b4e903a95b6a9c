/**
 * The fds that a birth needs: which, and the same birth with other numbers for them.
 *
 * @module
 */

import type { TimeNamespace } from "../../init/steps/process/time.ts";
import type { BirthOptions } from "./birth.ts";

/** The numbers of the fds that a birth needs until its execve. */
export function birthFds({ cgroups, fds, mapped, time, init }: BirthOptions): readonly number[] {
  return [
    ...fds.map(({ fd }) => fd),
    ...cgroups.flatMap(({ inside, outside }) =>
      outside === undefined ? [inside] : [inside, outside]
    ),
    ...(mapped === undefined ? [] : [mapped]),
    ...("fd" in init ? [init.fd] : []),
    ...(time === undefined ? [] : "joined" in time ? [time.joined] : [time.proc]),
  ];
}

/** The birth where its fds have other numbers. */
export function renumbered(birth: BirthOptions, there: (fd: number) => number): BirthOptions {
  const { cgroups, fds, mapped, time, init } = birth;
  return {
    ...birth,
    fds: fds.map(({ fd, as }) => ({ fd: there(fd), as })),
    cgroups: cgroups.map((door) => ({
      ...door,
      inside: there(door.inside),
      outside: door.outside === undefined ? undefined : there(door.outside),
    })),
    mapped: mapped === undefined ? undefined : there(mapped),
    time: time === undefined ? undefined : timeAt(time, there),
    init: "fd" in init ? { ...init, fd: there(init.fd) } : init,
  };
}

function timeAt(time: TimeNamespace, there: (fd: number) => number): TimeNamespace {
  return "joined" in time ? { joined: there(time.joined) } : { ...time, proc: there(time.proc) };
}
