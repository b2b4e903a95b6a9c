/**
 * The sandboxes of a machine: which there are, and which nobody wants any more.
 *
 * @module
 */

import { randomHex } from "../../ffi/c/random.ts";
import { ContainerError } from "../errors.ts";
import type { Factory } from "../factory.ts";
import { isOver, readRecord, type SandboxRecord } from "./record.ts";

/** Which sandboxes are listed. */
export interface SandboxListOptions {
  /** Only those with these labels. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** What is known of a sandbox. */
export interface SandboxMetadata {
  /** Its id. */
  readonly id: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** Always null: one that has stopped is gone. */
  readonly stoppedAt: null;
  /** Always `running`. */
  readonly status: "running";
  /** Its labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Those that live, sorted by id; others are taken away. */
export async function listSandboxes(
  factory: Factory,
  { labels = {} }: SandboxListOptions,
): Promise<SandboxMetadata[]> {
  await sweepSandboxes(factory);
  const wanted = Object.entries(labels);
  return recordsOf(factory)
    .filter(([, record]) => wanted.every(([name, value]) => record.labels[name] === value))
    .map(([id, record]) => ({
      id,
      createdAt: new Date(record.created),
      stoppedAt: null,
      status: "running",
      labels: record.labels,
    }));
}

/** Takes away the sandboxes whose time or session is over, and what killed programs left of them. */
export async function sweepSandboxes(factory: Factory): Promise<void> {
  for (const id of factory.ids()) {
    const record = readRecord(`${factory.root}/${id}`);
    const isDone = record === undefined ? isAbandoned(factory, id) : isOver(record);
    if (isDone) await removeIfThere(factory, id);
  }
}

/** Whether its maker was killed before it wrote a record; then there never was a process in it. */
function isAbandoned(factory: Factory, id: string): boolean {
  if (!OWN_ID.test(id)) return false;
  try {
    const container = factory.load(id);
    return container.status() === "stopped" && !container.hasRun();
  } catch (error) {
    if (error instanceof ContainerError) return false; // it is gone, or not to be judged
    throw error;
  }
}

/** An id that nobody chose: see `newId`. */
const OWN_ID = /^sandbox-[0-9a-f]{12}$/;

/** An id for a sandbox that is given none. */
export function newId(): string {
  return `sandbox-${randomHex(6)}`;
}

/** Removes a sandbox's container; another program may be faster. */
export async function removeIfThere(factory: Factory, id: string): Promise<void> {
  try {
    await factory.remove(id, { force: true });
  } catch (error) {
    if (!(error instanceof ContainerError && error.code === "ContainerNotExists")) throw error;
  }
}

function recordsOf(factory: Factory): [string, SandboxRecord][] {
  return factory.ids().flatMap((id) => {
    const record = readRecord(`${factory.root}/${id}`);
    return record === undefined ? [] : [[id, record]];
  });
}
