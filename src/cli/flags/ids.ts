/** A command for all the containers whose ids fit an expression, as crun has it. @module */

import { ContainerError } from "../../errors.ts";
import type { Factory } from "../../factory.ts";
import type { Flag } from "./command.ts";
import { usageError } from "./options.ts";
import type { Output } from "../output/output.ts";

/** The flag that asks for it. */
export const REGEX_FLAG: Flag = {
  name: "regex",
  letter: "r",
  summary: "take the id for a regular expression, and do it for all that fit in any part",
};

/**
 * Runs the command for each container; an error of one does not stop the others.
 *
 * @param mayBeNone whether it is fine if no id fits
 * @returns the exit code: 1 if it failed for any
 * @throws {ContainerError} `ConfigInvalid` if it is no expression, `ContainerNotExists` if no id
 *   fits
 */
export async function forEachId(
  expression: string,
  factory: Factory,
  output: Output,
  act: (id: string) => Promise<void> | void,
  mayBeNone = false,
): Promise<number> {
  const pattern = compile(expression);
  const ids = factory.ids().filter((id) => pattern.test(id));
  if (ids.length === 0 && !mayBeNone) {
    const what = `no container's id fits ${JSON.stringify(expression)} in ${factory.root}`;
    throw new ContainerError("ContainerNotExists", what);
  }
  let code = 0;
  for (const id of ids) {
    try {
      await act(id);
    } catch (error) {
      await output.failed(error);
      code = 1;
    }
  }
  return code;
}

function compile(expression: string): RegExp {
  try {
    return new RegExp(expression);
  } catch {
    throw usageError(
      `${JSON.stringify(expression)} is no regular expression`,
      "such as '^web' or '-[0-9]+$'",
    );
  }
}
