/**
 * What a caller may wish of the built-in default.
 *
 * @module
 */

import type { User } from "../config/types/config.ts";
import type { NetworkMode } from "../config/types/network_mode.ts";
import type { Resources } from "../config/types/resources.ts";
import type { Seccomp } from "../config/types/seccomp.ts";

/** A folder or file of the host that is seen in the container. */
export interface HostMount {
  /** That it is one of these. */
  readonly type: "host";
  /** The folder or file on the host; a relative path starts at this program's folder. */
  readonly source: string;
  /** Where it is seen, an absolute path; it is made where it is missing. */
  readonly destination: string;
  /** Whether the container may write to it; default false, with all that is mounted in it. */
  readonly writable?: boolean | undefined;
}

/** A folder in memory that ends with the container. */
export interface TmpfsMount {
  /** That it is one of these. */
  readonly type: "tmpfs";
  /** Where it is seen, an absolute path; it is made where it is missing. */
  readonly destination: string;
  /** How many bytes it may hold; default 64 MiB. They count to the container's memory. */
  readonly sizeBytes?: number | undefined;
  /** Its permissions; default 0o1777: everybody may write. */
  readonly mode?: number | undefined;
  /** Whether programs may be executed from it; default true. */
  readonly executable?: boolean | undefined;
}

/** A file of a container's with its permissions. */
export interface WishedFile {
  /** What it holds. */
  readonly content: string | Uint8Array;
  /** Its permissions; default 0o644. */
  readonly mode?: number | undefined;
}

/**
 * Wishes for the built-in default: each that is left out is as `Factory.create` makes it without
 * any. Of the host are seen /usr and what leads there, read-only; /tmp, /run, /home and /root are
 * tmpfs mounts; everything else is read-only and in memory; there is no network but loopback.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Factory, Process } from "@hull/hull";
 *
 * const wishes = {
 *   env: { LANG: "C.UTF-8" },
 *   user: "1000",
 *   cwd: "/work",
 *   mounts: [{ type: "tmpfs", destination: "/work", sizeBytes: 16 << 20 }],
 *   files: { "/work/greet.sh": "echo hello" },
 *   resources: { memory: { limit: 64 << 20 } },
 *   init: true,
 * } as const;
 * await using container = await new Factory().create("example-wishes", undefined, { wishes });
 * const process = new Process({ args: ["sh", "greet.sh"], stdout: "piped" });
 * await container.run(process);
 * assertEquals(await new Response(process.stdout).text(), "hello\n");
 * ```
 */
export interface DefaultWishes {
  /** The program and its arguments; default `sh`, or what the Process says. */
  readonly args?: readonly string[] | undefined;
  /** Variables beside PATH, HOME and TERM, or in place of these. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default: the container's id, 64 characters of it. */
  readonly hostname?: string | undefined;
  /**
   * Who runs it: the spec's user, or `USER[:GROUP]`, each a number, or a name of the container's
   * /etc/passwd and /etc/group, which have root, daemon, bin and nobody. Default root.
   */
  readonly user?: User | string | undefined;
  /** The folder that the program starts in, made if there is none; default `/`. */
  readonly cwd?: string | undefined;
  /** What is mounted beside the rest, or in the place of a tmpfs that is there without a wish. */
  readonly mounts?: readonly (HostMount | TmpfsMount)[] | undefined;
  /**
   * Files by their absolute path, root's. They are in memory; folders on the way to them are made.
   * They can't lie in a folder of the host.
   */
  readonly files?: Readonly<Record<string, string | Uint8Array | WishedFile>> | undefined;
  /** Whether the root can be written to; default false. `true` allows 64 MiB. */
  readonly writableRoot?: boolean | { readonly sizeBytes: number } | undefined;
  /**
   * The folders and files of the host that are seen at the same path, read-only. Default: /usr, the
   * folders /bin, /sbin, /lib…, where these are no links into it, /etc/alternatives and
   * /etc/ld.so.cache. Links on the way to a path and at its end are made in the container as well.
   */
  readonly hostPaths?: readonly string[] | undefined;
  /** A name such as `Europe/Berlin`, or `local` for the host's; default UTC. */
  readonly timezone?: string | undefined;
  /** Whether it sees the certificates that the host trusts, in /etc/ssl/certs; default false. */
  readonly caCertificates?: boolean | undefined;
  /** Limits that are laid over the default's (1024 processes, no devices but the usual). */
  readonly resources?: Resources | undefined;
  /** How it is connected, with its published ports; default `loopback`. */
  readonly network?: NetworkMode | undefined;
  /**
   * Whether the first process is a small one of hull's own, and the program its child: it takes the
   * status of processes that nobody waits for, and passes signals on to the program, to which all
   * signals do what they do elsewhere. The first process of a container only gets a signal that it
   * handles. hull gives the program's exit code, or 128+n after signal n. Default false.
   */
  readonly init?: boolean | undefined;
  /** The capabilities that root has, in place of the default's 14. */
  readonly capabilities?: readonly string[] | undefined;
  /** A filter of system calls; default none. */
  readonly seccomp?: Seccomp | undefined;
  /** Whether execve may grant no privilege, such as by a setuid program; default true. */
  readonly noNewPrivileges?: boolean | undefined;
  /**
   * Whether it is trusted like a program outside: all capabilities, every device, /sys and all of
   * /proc writable. Default false.
   */
  readonly privileged?: boolean | undefined;
}
