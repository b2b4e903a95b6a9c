/**
 * What containerd is told of tasks, and the service that it is told by.
 *
 * Source: containerd's api/events/task.proto, api/types/event.proto and
 * api/services/ttrpc/events/v1/events.proto.
 *
 * @module
 */

import { table } from "../../protobuf/message.ts";
import { ANY, MOUNT, TIMESTAMP } from "./common.ts";

/** The service. */
export const EVENTS_SERVICE = "containerd.services.events.ttrpc.v1.Events";
/** What it takes. */
export const FORWARD = table({
  envelope: [
    1,
    table({
      timestamp: [1, TIMESTAMP],
      namespace: [2, "string"],
      topic: [3, "string"],
      event: [4, ANY],
    }),
  ],
});

const CONTAINER = table({ containerId: [1, "string"] });

/** The events by topic: the name and the fields of each one's message. */
export const EVENTS = {
  "/tasks/create": ["containerd.events.TaskCreate", {
    containerId: [1, "string"],
    bundle: [2, "string"],
    rootfs: [3, [MOUNT]],
    io: [4, {
      stdin: [1, "string"],
      stdout: [2, "string"],
      stderr: [3, "string"],
      terminal: [4, "bool"],
    }],
    checkpoint: [5, "string"],
    pid: [6, "uint32"],
  }],
  "/tasks/start": ["containerd.events.TaskStart", {
    containerId: [1, "string"],
    pid: [2, "uint32"],
  }],
  "/tasks/delete": ["containerd.events.TaskDelete", {
    containerId: [1, "string"],
    pid: [2, "uint32"],
    exitStatus: [3, "uint32"],
    exitedAt: [4, TIMESTAMP],
    id: [5, "string"],
  }],
  "/tasks/exit": ["containerd.events.TaskExit", {
    containerId: [1, "string"],
    id: [2, "string"],
    pid: [3, "uint32"],
    exitStatus: [4, "uint32"],
    exitedAt: [5, TIMESTAMP],
  }],
  "/tasks/oom": ["containerd.events.TaskOOM", CONTAINER],
  "/tasks/exec-added": ["containerd.events.TaskExecAdded", {
    containerId: [1, "string"],
    execId: [2, "string"],
  }],
  "/tasks/exec-started": ["containerd.events.TaskExecStarted", {
    containerId: [1, "string"],
    execId: [2, "string"],
    pid: [3, "uint32"],
  }],
  "/tasks/paused": ["containerd.events.TaskPaused", CONTAINER],
  "/tasks/resumed": ["containerd.events.TaskResumed", CONTAINER],
} as const;

/** What an event is about. */
export type Topic = keyof typeof EVENTS;
