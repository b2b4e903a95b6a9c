/**
 * What a record says of a container's memory, where its cgroup does not stay to be asked.
 *
 * @module
 */

/**
 * The bytes of a value of the eventfd. Two come first, taken one after the other; the text of the
 * cgroup's file follows.
 */
export const RAISED_SIZE = 8;

/**
 * Whether the memory ran out, from what memory_watch.ts has kept. That v1's text was kept tells it. An
 * eventfd that was raised twice was so by an OOM and by the cgroup's end.
 */
export function readMemory(bytes: Uint8Array): boolean {
  if (bytes.length < 2 * RAISED_SIZE) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const raised = view.getBigUint64(0, true) + view.getBigUint64(RAISED_SIZE, true);
  const text = new TextDecoder().decode(bytes.subarray(2 * RAISED_SIZE));
  return raised > 1n || /^(?:under_oom \d|oom_kill [1-9])/m.test(text);
}
