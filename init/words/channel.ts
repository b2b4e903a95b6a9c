/**
 * The messages between init and its parent.
 *
 * The parent writes to init on the control pipe: the config as JSON behind its length in four
 * bytes, and later one byte that lets init go on. Init writes lines to the parent on the status
 * pipe: `hooks` and `work`, after which it waits for a byte as well; lines of a file system's log;
 * `ready`; or an error as JSON. Where no JavaScript can run any more, it writes a table of the
 * operations and the program's memory, from which the parent reads what failed.
 *
 * @module
 */

import { type Fd, read, writeAll } from "../../ffi/files/file.ts";
import { findFailure } from "../../ffi/program/failure.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { OPERATION_SIZE, RESULT_OFFSET } from "../../ffi/program/trampoline.ts";
import type { InitConfig } from "../operations/init_config.ts";
import { ContainerError, type ContainerErrorJson } from "../../src/errors.ts";
import { type FailedOperation, initFailure, searchFailure } from "../operations/failure.ts";
import type { PlannedOperation } from "../operations/operation.ts";
import { isCandidate } from "../steps/process/execute.ts";
import { HOOK_POINT } from "../steps/rootfs/hook_point.ts";
import { WORK } from "../work/parents_work.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sends the config: what init waits for first. */
export function encodeConfig(config: InitConfig): Uint8Array<ArrayBuffer> {
  const json = encoder.encode(JSON.stringify(config));
  const message = new Uint8Array(4 + json.length);
  new DataView(message.buffer).setUint32(0, json.length, true);
  message.set(json, 4);
  return message;
}

/** Receives the config; undefined if the parent is gone. */
export function receiveConfig(control: Fd): InitConfig | undefined {
  const header = readExactly(control, 4);
  if (header === undefined) return undefined;
  const length = new DataView(header.buffer).getUint32(0, true);
  const json = readExactly(control, length);
  return json === undefined ? undefined : JSON.parse(decoder.decode(json)) as InitConfig;
}

function readExactly(fd: Fd, size: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const chunk = read(fd, size - at);
    if (chunk === undefined || chunk.length === 0) return undefined;
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Reports an error of init. */
export function sendError(status: Fd, error: ContainerError): void {
  writeAll(status, encoder.encode(JSON.stringify({ error }) + "\n"));
}

/** How many operations a report takes. */
const TAIL = 4;

/** What the parent needs to know of an operation to read a report. */
export interface ReportedOperation extends FailedOperation {
  readonly onError?: Operation["onError"];
  readonly tolerated?: string | undefined;
}

/**
 * What a reader puts in place of operations that are not in the table: the program got past those.
 */
const PASSED: ReportedOperation = { step: "ready", reason: "", syscall: "jump" };

/** Operations that the reader of a report has: see {@linkcode StatusReader.know}. */
export interface KnownOperations {
  /** Which of the programs that the reader knows. */
  readonly program: number;
  /** How many of its first operations. */
  readonly count: number;
}

/**
 * The operations by which a program writes its own report and ends the process. A filter may deny
 * all of them, but the last one needs no call. So a clone never goes on to run JavaScript.
 *
 * @param known the first operations, if the reader has them: then the report need not list them,
 *   which would take as much memory as the program itself
 */
export function reportTail(
  status: number,
  operations: readonly PlannedOperation[],
  known?: KnownOperations,
): Operation[] {
  const table: ReportedOperation[] = operations.slice(known?.count ?? 0).map(
    ({ step, syscall, reason, path, pointer, hint, onError, tolerated }) => ({
      step,
      syscall,
      reason,
      path,
      pointer,
      hint,
      ...(onError === undefined ? {} : { onError }),
      ...(tolerated === undefined ? {} : { tolerated }),
    }),
  );
  // Behind the operations stand the program's end, this tail and its end: ffi/program/program.ts.
  const size = (operations.length + 1 + TAIL + 1) * OPERATION_SIZE;
  const tried = candidatesOf(operations);
  const header = encoder.encode(JSON.stringify({ report: table, size, known, tried }) + "\n");
  return [
    { syscall: "write", args: [status, header, header.length], onError: "continue" },
    {
      syscall: "write",
      args: [status, { self: "address" }, { self: "length" }],
      onError: "continue",
    },
    { syscall: "exit_group", args: [1], onError: "continue" },
    { syscall: "exit_group", args: [{ fault: true }], onError: "continue" },
  ];
}

/** Where the program was looked for: the operation's place, and the path. */
type Tried = readonly (readonly [index: number, path: string])[];

function candidatesOf(operations: readonly PlannedOperation[]): Tried {
  return operations.flatMap(({ label, path }, index) =>
    label !== undefined && path !== undefined && isCandidate(label) ? [[index, path] as const] : []
  );
}

/** A launcher has made processes. */
export interface LaunchedMessage {
  readonly kind: "launched";
  /** The child that joined, which ends. */
  readonly first: number;
  /** The container's process; with `isUsher` the child that will have made it, up to `born`. */
  readonly pid: number;
  readonly isUsher: boolean;
}

/** A message from init. */
export type InitMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "hooks" }
  /** With the work's number. */
  | { readonly kind: "work"; readonly work: number }
  | LaunchedMessage
  | { readonly kind: "born"; readonly pid: number }
  | { readonly kind: "error"; readonly error: ContainerError };

/** A line of a file system's log: fsopen(2). */
const LOG_LINE = /^[ewi] /;

/** Makes messages of the bytes that come over the status pipe. */
export class StatusReader {
  readonly #known: (readonly ReportedOperation[])[] = [];
  #bytes = new Uint8Array(0);
  /** What the kernel last said of a file system. */
  #said: string | undefined;

  /** Takes a program's first operations, by default all: its report need not list them then. */
  know(operations: readonly ReportedOperation[], count = operations.length): KnownOperations {
    return { program: this.#known.push(operations.slice(0, count)) - 1, count };
  }

  /** Takes what was read. */
  push(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length);
    all.set(this.#bytes);
    all.set(bytes, this.#bytes.length);
    this.#bytes = all;
  }

  /** The next whole message; undefined if more bytes are needed. */
  next(): InitMessage | undefined {
    for (;;) {
      const end = this.#bytes.indexOf(10);
      if (end < 0) return undefined;
      const line = decoder.decode(this.#bytes.subarray(0, end));
      if (line !== "" && !LOG_LINE.test(line)) return this.#message(line, end);
      if (line !== "") this.#said = line.slice(2);
      this.#bytes = this.#bytes.slice(end + 1);
    }
  }

  #message(line: string, end: number): InitMessage | undefined {
    if (!line.startsWith("{")) {
      this.#bytes = this.#bytes.slice(end + 1);
      if (line.startsWith(WORK)) return { kind: "work", work: Number(line.slice(WORK.length)) };
      return { kind: `${line}\n` === HOOK_POINT ? "hooks" : "ready" };
    }
    const message = JSON.parse(line) as {
      error?: ContainerErrorJson;
      launched?: Omit<LaunchedMessage, "kind">;
      born?: { pid: number };
      report?: readonly ReportedOperation[];
      size?: number;
      known?: KnownOperations;
      tried?: Tried;
    };
    if (message.report !== undefined) {
      const table = [...this.#operations(message.known), ...message.report];
      return this.#report(table, message.tried ?? [], end + 1, message.size ?? 0);
    }
    this.#bytes = this.#bytes.slice(end + 1);
    if (message.born !== undefined) return { kind: "born", ...message.born };
    if (message.launched !== undefined) return { kind: "launched", ...message.launched };
    const error = ContainerError.fromJSON(message.error as ContainerErrorJson);
    return { kind: "error", error: this.#withLog(error) };
  }

  /** The error with what the kernel said before. */
  #withLog(error: ContainerError): ContainerError {
    if (this.#said === undefined) return error;
    return new ContainerError(error.code, `${error.summary}: ${this.#said}`, error);
  }

  #operations(known: KnownOperations | undefined): readonly ReportedOperation[] {
    if (known === undefined) return [];
    return this.#known[known.program] ?? new Array<ReportedOperation>(known.count).fill(PASSED);
  }

  #report(
    table: readonly ReportedOperation[],
    tried: Tried,
    at: number,
    size: number,
  ): InitMessage | undefined {
    const memory = this.#bytes.slice(at, at + size);
    if (memory.length < size) return undefined;
    this.#bytes = this.#bytes.slice(at + size);
    const view = new DataView(memory.buffer);
    const failure = findFailure(table, view);
    const operation = failure === undefined ? undefined : table[failure.index];
    if (failure === undefined || operation === undefined) {
      const error = new ContainerError("InitFailed", "the plan came to its end without a program");
      return { kind: "error", error };
    }
    const result = (index: number) =>
      Number(view.getBigInt64(index * OPERATION_SIZE + RESULT_OFFSET, true));
    const { why, errno } = searchFailure(operation, failure.errno, { table, tried, result });
    return { kind: "error", error: this.#withLog(initFailure(why, errno)) };
  }
}
