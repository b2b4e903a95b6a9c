/**
 * The messages of containerd's task service, which are the same in versions 2 and 3.
 *
 * Source: containerd's api/runtime/task/v3/shim.proto and api/types/task/task.proto.
 *
 * @module
 */

import { table } from "../../protobuf/message.ts";
import { ANY, MOUNT, TIMESTAMP } from "./common.ts";

/** Where a task is in its life. */
export const STATUS = { unknown: 0, created: 1, running: 2, stopped: 3, paused: 4, pausing: 5 };

/** Makes a container with its first process. */
export const CREATE = table({
  id: [1, "string"],
  bundle: [2, "string"],
  rootfs: [3, [MOUNT]],
  terminal: [4, "bool"],
  stdin: [5, "string"],
  stdout: [6, "string"],
  stderr: [7, "string"],
  checkpoint: [8, "string"],
  parentCheckpoint: [9, "string"],
  options: [10, ANY],
});
/** An answer with the number of a process: to a creation and to a start. */
export const PID = table({ pid: [1, "uint32"] });
/** Names a container alone. */
export const CONTAINER = table({ id: [1, "string"] });
/** Names a process: the container's first one, or a further one. */
export const PROCESS = table({ id: [1, "string"], execId: [2, "string"] });
/** How a process that is taken away has ended. */
export const DELETED = table({
  pid: [1, "uint32"],
  exitStatus: [2, "uint32"],
  exitedAt: [3, TIMESTAMP],
});
/** Adds a further process. */
export const EXEC = table({
  id: [1, "string"],
  execId: [2, "string"],
  terminal: [3, "bool"],
  stdin: [4, "string"],
  stdout: [5, "string"],
  stderr: [6, "string"],
  spec: [7, ANY],
});
/** Sets the size of a terminal. */
export const RESIZE = table({
  id: [1, "string"],
  execId: [2, "string"],
  width: [3, "uint32"],
  height: [4, "uint32"],
});
/** What is known of a process. */
export const STATE = table({
  id: [1, "string"],
  bundle: [2, "string"],
  pid: [3, "uint32"],
  status: [4, "int32"],
  stdin: [5, "string"],
  stdout: [6, "string"],
  stderr: [7, "string"],
  terminal: [8, "bool"],
  exitStatus: [9, "uint32"],
  exitedAt: [10, TIMESTAMP],
  execId: [11, "string"],
});
/** Sends a signal. */
export const KILL = table({
  id: [1, "string"],
  execId: [2, "string"],
  signal: [3, "uint32"],
  all: [4, "bool"],
});
/** Ends the input. */
export const CLOSE_IO = table({ id: [1, "string"], execId: [2, "string"], stdin: [3, "bool"] });
/** The processes of a container. */
export const PIDS = table({
  processes: [1, [table({ pid: [1, "uint32"], info: [2, ANY] })]],
});
/** Changes limits. */
export const UPDATE = table({ id: [1, "string"], resources: [2, ANY], annotations: [3, "map"] });
/** How a process has ended. */
export const ENDED = table({ exitStatus: [1, "uint32"], exitedAt: [2, TIMESTAMP] });
/** What a container uses. */
export const STATS = table({ stats: [1, ANY] });
/** Who serves. */
export const CONNECTED = table({
  shimPid: [1, "uint32"],
  taskPid: [2, "uint32"],
  version: [3, "string"],
});

/** Tells in {@linkcode PIDS} which further process one is: containerd's runc.v1.ProcessDetails. */
export const PROCESS_DETAILS = table({ execId: [1, "string"] });
