/**
 * Numbers of fcntl(2) and close_range(2), for programs of system calls that pass fds on.
 *
 * @module
 */

export const F_SETFD = 2;
export const F_DUPFD_CLOEXEC = 1030;
export const FD_CLOEXEC = 1;
/** As the last fd of close_range: all that are open. */
export const LAST_FD = 0xffff_ffff;
