/**
 * Names of interfaces that nobody has yet.
 *
 * @module
 */

import { isRefusal } from "../netlink/socket.ts";

const TRIES = 10;

/**
 * A name that is very probably free: a word and seven digits of base 16.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { randomName } from "./random_name.ts";
 *
 * assert(/^veth[0-9a-f]{7}$/.test(randomName("veth")));
 * ```
 */
export function randomName(word: string): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word + (number >>> 4).toString(16).padStart(7, "0");
}

/**
 * Makes something under a random name, and tries again with another while the name is taken.
 *
 * @param isFinal whether the name that is taken was given, so that trying again is useless
 * @throws what `make` throws; EEXIST after ten tries
 */
export function withFreeName<Made>(make: () => Made, isFinal: () => boolean = () => false): Made {
  for (let tries = 1;; tries++) {
    try {
      return make();
    } catch (error) {
      if (!isRefusal(error, "EEXIST") || tries === TRIES || isFinal()) throw error;
    }
  }
}
