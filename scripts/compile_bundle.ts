/**
 * Loads modules that do nothing when they are imported, and ends by itself: Deno takes the time then to
 * keep what it compiled, which it does not where a program calls `Deno.exit` at once. It uses what the
 * engine has modules of its own for, which it loads with the first use: else the first command that
 * does leaves them in the log of Deno's database, which each start after that would read.
 *
 * @module
 */

for (const path of Deno.args) await import(`file://${path}`);
await new Promise((resolve) => setTimeout(resolve, 0));
await new Deno.Command(Deno.execPath(), { args: ["--version"], stdout: "piped" }).output();
