/**
 * The memory that the C library has been given by the kernel, and has no use for.
 *
 * Source: malloc_trim(3).
 *
 * @module
 */

const SYMBOLS = { malloc_trim: { parameters: ["usize"], result: "i32" } } as const;

/** Gives it back; that takes some milliseconds. Without such a function nothing is done. */
export function trimAllocations(): void {
  const library = bind();
  library?.symbols.malloc_trim(0n);
  library?.close();
}

/** Bound when it is called, which is rare. */
function bind(): Deno.DynamicLibrary<typeof SYMBOLS> | undefined {
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS);
  } catch {
    return undefined; // another C library
  }
}
