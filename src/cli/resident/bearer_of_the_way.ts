/**
 * A client as the parent of hooks and their like. Whoever goes on with a command asks for the ends of
 * its main processes again, so those stay as they are; but not for these.
 *
 * @module
 */

import type { Bearer, Birth } from "../../process/bearer.ts";
import type { Child } from "../../process/parent_process.ts";

/** A client; further flags of waitid(2) say what is left of a child that has ended. */
export interface Parent extends Pick<Bearer, "pid" | "environment" | "held"> {
  bear(birth: Birth, more: number): Promise<Child>;
  adopt(pid: number, more: number): Child;
}

/** The client as such a parent. */
export class BearerOfTheWay implements Bearer {
  readonly #client: Parent;

  /** @param client the client */
  constructor(client: Parent) {
    this.#client = client;
  }

  get pid(): number {
    return this.#client.pid;
  }

  get environment(): readonly string[] {
    return this.#client.environment;
  }

  get held(): DisposableStack {
    return this.#client.held;
  }

  get ofTheWay(): Bearer {
    return this;
  }

  bear(birth: Birth): Promise<Child> {
    return this.#client.bear(birth, 0);
  }

  adopt(pid: number): Child {
    return this.#client.adopt(pid, 0);
  }
}
