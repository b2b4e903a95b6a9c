/**
 * What a child said that ended before its parent had done its part.
 *
 * @module
 */

import type { InitMessage } from "../../init/words/channel.ts";
import { ContainerError } from "../errors.ts";

/**
 * The child's own error, if it has one to which the parent's is due: the id maps of a child that has
 * ended can't be written. The child ends by this.
 *
 * @param said what it says
 * @param kill ends it
 */
export async function lastWords(
  error: unknown,
  said: { next(): Promise<InitMessage | undefined> },
  kill: () => Promise<unknown>,
): Promise<unknown> {
  if (!(error instanceof ContainerError && /\/[ug]id_map$/.test(error.path ?? ""))) return error;
  await kill();
  const message = await said.next();
  return message?.kind === "error" ? message.error : error;
}
