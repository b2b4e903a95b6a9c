/** hull's version. @module */

/** That of deno.json. */
export const VERSION = "0.1.0";
