/**
 * What a task needs of its surroundings.
 *
 * @module
 */

import type { Poller } from "../../../ffi/waiting/poll.ts";
import type { EventOf } from "../host/publisher.ts";
import type { Topic } from "../messages/events.ts";
import type { StreamsOf } from "../streams/task_streams.ts";
import type { Ended } from "./ended.ts";
import type { TaskRecord } from "./record.ts";

/** The surroundings. */
export interface TaskHost {
  /** The folder that containerd made for the container. */
  readonly bundle: string;
  readonly poller: Poller;
  /** Tells containerd: this is certain once it returns. */
  readonly publish: <Of extends Topic>(topic: Of, event: EventOf<Of>) => void;
  /** Where a further process's streams are. */
  readonly streamsOf: (execId: string) => StreamsOf;
  /** Keeps what is known of the processes. */
  readonly keep: (known: Pick<TaskRecord, "isStarted" | "exit" | "further" | "gone">) => void;
  /** Where the starter writes how processes ended. */
  readonly ended: Ended;
  /** Notes what went wrong where nobody is told. */
  readonly warn: (error: unknown) => void;
}
