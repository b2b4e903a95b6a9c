/**
 * The words of a sandbox's file system. They are those of Deno's own, where Deno has them.
 *
 * @module
 */

/** How a file is read. */
export interface ReadFileOptions {
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined;
}

/** How a file is written. */
export interface WriteFileOptions {
  /** Whether the data comes behind what is there; by default it replaces it. */
  readonly append?: boolean | undefined;
  /** Whether the file is made if there is none; default true. */
  readonly create?: boolean | undefined;
  /** Whether it must not be there yet. */
  readonly createNew?: boolean | undefined;
  /** The permissions of a file that is made; default 0o666 less the sandbox's umask. */
  readonly mode?: number | undefined;
  /** Ends the writing; what is written by then stays. */
  readonly signal?: AbortSignal | undefined;
}

/** How a folder is made. */
export interface MkdirOptions {
  /** Whether the folders above it are made, too, and it is no error that it is there. */
  readonly recursive?: boolean | undefined;
  /** The permissions; default 0o777 less the sandbox's umask. */
  readonly mode?: number | undefined;
}

/** How something is removed. */
export interface RemoveOptions {
  /** Whether a folder goes with all that is in it. */
  readonly recursive?: boolean | undefined;
}

/** How a file is opened. Without `write` and `append` it is opened for reading. */
export interface OpenOptions {
  /** To read it. */
  readonly read?: boolean | undefined;
  /** To write it. */
  readonly write?: boolean | undefined;
  /** To write at its end alone. */
  readonly append?: boolean | undefined;
  /** Whether what is in it goes first. */
  readonly truncate?: boolean | undefined;
  /** Whether it is made if there is none. */
  readonly create?: boolean | undefined;
  /** Whether it must not be there yet. */
  readonly createNew?: boolean | undefined;
  /** The permissions of a file that is made; default 0o666 less the sandbox's umask. */
  readonly mode?: number | undefined;
}

/** Where a temporary file or folder is made, and the beginning and end of its name. */
export interface MakeTempOptions {
  /** The folder; default /tmp. */
  readonly dir?: string | undefined;
  /** The beginning of the name. */
  readonly prefix?: string | undefined;
  /** The end of the name. */
  readonly suffix?: string | undefined;
}

/** What is known of a file: see stat(2). */
export interface FileInfo {
  /** Whether it is an ordinary file. */
  readonly isFile: boolean;
  /** Whether it is a folder. */
  readonly isDirectory: boolean;
  /** Whether it is a link; only `lstat` tells of links. */
  readonly isSymlink: boolean;
  /** In bytes. */
  readonly size: number;
  /** When its content was changed last. */
  readonly mtime: Date;
  /** When it was read last. */
  readonly atime: Date;
  /** When it was made; where the file system does not tell, the time of the last change. */
  readonly birthtime: Date;
  /** When its content, name or permissions were changed last. */
  readonly ctime: Date;
  /** The number of its file system. */
  readonly dev: number;
  /** Its number there. */
  readonly ino: number;
  /** Type and permissions. */
  readonly mode: number;
  /** How many names it has. */
  readonly nlink: number;
  /** Who owns it, by number as the host has it. */
  readonly uid: number;
  /** The group, by number as the host has it. */
  readonly gid: number;
  /** A device's number. */
  readonly rdev: number;
  /** How many bytes are best read at once. */
  readonly blksize: number;
  /** How many blocks of 512 bytes it takes. */
  readonly blocks: number;
  /** Whether it is a block device. */
  readonly isBlockDevice: boolean;
  /** Whether it is a character device. */
  readonly isCharDevice: boolean;
  /** Whether it is a fifo. */
  readonly isFifo: boolean;
  /** Whether it is a socket. */
  readonly isSocket: boolean;
}

/** An entry of a folder. */
export interface DirEntry {
  /** Its name in the folder. */
  readonly name: string;
  /** Whether it is an ordinary file. */
  readonly isFile: boolean;
  /** Whether it is a folder. */
  readonly isDirectory: boolean;
  /** Whether it is a link. */
  readonly isSymlink: boolean;
}

/** An entry that a walk has come to. */
export interface WalkEntry extends DirEntry {
  /** Its path: that of the walk's beginning, with the names below it. */
  readonly path: string;
}

/** What a walk gives. */
export interface WalkOptions {
  /** How deep it goes; by default to the ground. */
  readonly maxDepth?: number | undefined;
  /** Whether it gives files; default true. */
  readonly includeFiles?: boolean | undefined;
  /** Whether it gives folders; default true. */
  readonly includeDirs?: boolean | undefined;
  /** Whether it gives links that are not followed; default true. */
  readonly includeSymlinks?: boolean | undefined;
  /** Whether links are followed; each folder is entered by one of its links only. */
  readonly followSymlinks?: boolean | undefined;
  /** The ends of the names of files that are given; by default all are. */
  readonly exts?: readonly string[] | undefined;
  /** Only paths that one of these fits are given. */
  readonly match?: readonly RegExp[] | undefined;
  /** Paths that one of these fits are left out, with all below them. */
  readonly skip?: readonly RegExp[] | undefined;
}
