/**
 * containerd's task service: what each call does, in versions 2 and 3 the same.
 *
 * @module
 */

import { detectCgroups } from "../../cgroups/detect.ts";
import type { ProcessConfig } from "../../config/types/config.ts";
import type { Resources } from "../../config/types/resources.ts";
import {
  decode,
  encode,
  type Given,
  type MessageOf,
  type MessageTable,
} from "../../protobuf/message.ts";
import type { CallContext, Handler, Methods } from "../../ttrpc/server.ts";
import { unlessAborted } from "../../../ffi/waiting/abort.ts";
import { type ANY, anyOf, EMPTY, timestampOf } from "../messages/common.ts";
import * as messages from "../messages/task.ts";
import { noCheckpoints, perhapsDone } from "../task/refusals.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { statsMessage } from "../task/stats.ts";
import type { Deleted } from "../task/task.ts";
import { told } from "../host/status_of.ts";
import type { Tasks } from "./tasks.ts";

const SERVICES: ReadonlySet<string> = new Set([
  "containerd.task.v2.Task",
  "containerd.task.v3.Task",
]);

/** The methods for the tasks of a namespace. */
export function taskMethods(tasks: Tasks): Methods {
  const methods = new Map(Object.entries(handlers(tasks)));
  return (service, method) => SERVICES.has(service) ? methods.get(method) : undefined;
}

function handlers(tasks: Tasks): Record<string, Handler> {
  const { CREATE, PID, PROCESS, CONTAINER, EXEC, KILL, RESIZE, CLOSE_IO, UPDATE } = messages;
  return {
    Create: method(CREATE, PID, async (request, context) => ({
      pid: await told("create", () => tasks.create(request, context)),
    })),
    Start: method(PROCESS, PID, async ({ id, execId }, context) => ({
      pid: await told(
        execId === "" ? "start" : "exec",
        () => tasks.find(id).start(execId, context),
      ),
    })),
    Delete: method(PROCESS, messages.DELETED, async ({ id, execId }, { isAgain }) =>
      deleted(
        execId === ""
          ? await tasks.delete(id, isAgain)
          : await tasks.find(id).deleteFurther(execId, isAgain),
      )),
    State: method(PROCESS, messages.STATE, async ({ id, execId }) => {
      const task = tasks.find(id);
      const process = task.process(execId);
      const { names, pid, exit } = process;
      return {
        id: execId === "" ? id : execId,
        bundle: task.bundle,
        pid,
        status: await task.status(process),
        ...names,
        exitStatus: exit?.status,
        exitedAt: exit && timestampOf(exit.atMs),
      };
    }),
    Exec: method(EXEC, EMPTY, (request, { isAgain }) => {
      const { id, execId, terminal, stdin, stdout, stderr } = request;
      const config = jsonOf<ProcessConfig>(request.spec);
      tasks.find(id).add(execId, { terminal, stdin, stdout, stderr }, config, isAgain);
      return {};
    }),
    Kill: method(KILL, EMPTY, ({ id, execId, signal, all }, { isAgain }) => {
      if (isAgain && signal !== SIGKILL) {
        throw perhapsDone("sent the signal");
      }
      tasks.find(id).kill(execId, signal, all);
      return {};
    }),
    Pids: method(CONTAINER, messages.PIDS, ({ id }) => {
      const task = tasks.find(id);
      const further = task.running();
      // After its end the first process is still named, until it is taken away: a containerd that
      // is started again forgets tasks without processes, and how they ended.
      const pids = task.init.exit === undefined ? task.container.processes() : [task.init.pid];
      return {
        processes: pids.map((pid) => {
          const execId = further.get(pid);
          if (execId === undefined) return { pid };
          return { pid, info: anyOf(DETAILS_TYPE, messages.PROCESS_DETAILS, { execId }) };
        }),
      };
    }),
    Pause: method(CONTAINER, EMPTY, async ({ id }, { signal }) => {
      await tasks.find(id).pause(signal);
      return {};
    }),
    Resume: method(CONTAINER, EMPTY, async ({ id }, context) => {
      await tasks.find(id).resume(context);
      return {};
    }),
    Update: method(UPDATE, EMPTY, async ({ id, resources }, { signal }) => {
      await tasks.find(id).container.set(jsonOf<Resources>(resources), {}, { signal });
      return {};
    }),
    ResizePty: method(RESIZE, EMPTY, ({ id, execId, width, height }) => {
      tasks.find(id).process(execId).streams?.resize(width, height);
      return {};
    }),
    CloseIO: method(CLOSE_IO, EMPTY, ({ id, execId, stdin }) => {
      if (stdin) tasks.find(id).process(execId).streams?.closeInput();
      return {};
    }),
    Stats: method(CONTAINER, messages.STATS, ({ id }) => ({
      stats: statsMessage(tasks.find(id).container.stats(), detectCgroups().version),
    })),
    Wait: method(PROCESS, messages.ENDED, async ({ id, execId }, { signal }) => {
      const exit = await unlessAborted(tasks.find(id).process(execId).ended, signal);
      return { exitStatus: exit.status, exitedAt: timestampOf(exit.atMs) };
    }),
    Connect: method(CONTAINER, messages.CONNECTED, ({ id }) => ({
      shimPid: Deno.pid,
      taskPid: tasks.tryFind(id)?.init.pid,
    })),
    // This program serves all containers, and ends by itself.
    Shutdown: method(CONTAINER, EMPTY, () => ({})),
    Checkpoint: method(CONTAINER, EMPTY, () => {
      throw noCheckpoints();
    }),
  };
}

const DETAILS_TYPE = "containerd.runc.v1.ProcessDetails";

/** A handler that reads a message and writes another. */
export function method<Request extends MessageTable, Answer extends MessageTable>(
  request: Request,
  answer: Answer,
  act: (
    request: MessageOf<Request>,
    context: CallContext,
  ) => Given<Answer> | Promise<Given<Answer>>,
): Handler {
  return async (payload, context) => encode(answer, await act(decode(request, payload), context));
}

function deleted({ pid, exit }: Deleted): Given<typeof messages.DELETED> {
  return { pid, exitStatus: exit?.status, exitedAt: exit && timestampOf(exit.atMs) };
}

/** What containerd sends as JSON is in the spec's form; it is checked where it is used. */
function jsonOf<Value>(any: MessageOf<typeof ANY> | undefined): Value {
  return JSON.parse(new TextDecoder().decode(any?.value)) as Value;
}
