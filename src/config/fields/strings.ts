/**
 * Rules for every string of the document, wherever it stands.
 *
 * @module
 */

import { childPointer, isRecord, type Report } from "./field.ts";

/** Longest string but for those below, in bytes: what a uint16 length can tell (CVE-2021-43784). */
export const MAX_STRING_BYTES = 65_535;
/**
 * Longest argument or environment entry, in bytes: the kernel's MAX_ARG_STRLEN without its NUL
 * (execve(2)).
 */
export const MAX_ARGUMENT_BYTES = 131_071;

const MAX_DEPTH = 64;
const ARGUMENT = /\/(?:args|env)\/\d+$/;
/** Text that reaches no system call and may be as long as it likes. */
const FREE_TEXT = /^\/annotations\/|^\/linux\/seccomp\/listenerMetadata$/;
/** Sections for other systems, which a runtime on Linux ignores. */
const IGNORED = ["/freebsd", "/solaris", "/vm", "/windows", "/zos"];

/**
 * A copy of a JSON value without the properties that are null, which the spec's Go types write for
 * what is missing. Notes strings and keys that hold a NUL byte or are too long.
 */
export function cleanCopy(value: unknown, report: Report, pointer = "", depth = 0): unknown {
  if (depth > MAX_DEPTH) {
    report.fault(pointer, `is nested deeper than ${MAX_DEPTH} levels`);
    return undefined;
  }
  if (typeof value === "string") {
    checkString(value, report, pointer);
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      cleanCopy(item, report, childPointer(pointer, index), depth + 1)
    );
  }
  if (!isRecord(value) || IGNORED.includes(pointer)) return value;
  // fromEntries defines properties, so a key "__proto__" stays a plain key
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([key, inner]) => {
        const place = childPointer(pointer, key);
        if (key.includes("\0")) report.fault(place, "has a NUL byte in its name");
        if (key.length > MAX_STRING_BYTES) report.fault(place, "has too long a name");
        return [key, cleanCopy(inner, report, place, depth + 1)];
      }),
  );
}

function checkString(text: string, report: Report, pointer: string): void {
  if (text.includes("\0")) report.fault(pointer, "must not hold a NUL byte");
  if (FREE_TEXT.test(pointer)) return;
  const most = ARGUMENT.test(pointer) ? MAX_ARGUMENT_BYTES : MAX_STRING_BYTES;
  // a UTF-16 unit is at most three bytes, so short strings need no encoding
  if (text.length * 3 <= most) return;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > most) report.fault(pointer, `must be at most ${most} bytes long, not ${bytes}`);
}
