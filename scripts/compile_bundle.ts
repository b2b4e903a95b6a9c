/**
 * Loads modules that do nothing when they are imported, and ends by itself: Deno takes the time then to
 * keep what it compiled, which it does not where a program calls `Deno.exit` at once.
 *
 * @module
 */

for (const path of Deno.args) await import(`file://${path}`);
