/** hull inside the program that starts the containers. @module */

import { type Container, Factory, Process } from "../../mod.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";
import type { Runtime } from "./runtime.ts";

const QUIET = { stdin: "null", stdout: "null", stderr: "null" } as const;

/** The library. */
export class LibraryRuntime implements Runtime {
  readonly name: string;
  readonly isInside = true;
  readonly #factory: Factory;
  readonly #kept = new Map<string, Container>();

  /** @param root the state's folder */
  constructor(name: string, root: string) {
    this.name = name;
    this.#factory = new Factory({ root });
  }

  async run({ config, folder }: Bundle, id: string): Promise<void> {
    const container = await this.#factory.create(id, config, { bundle: folder });
    try {
      const process = new Process(QUIET);
      await container.run(process);
      await succeed(process);
    } finally {
      await container.destroy({ force: true });
    }
  }

  async live({ config, folder }: Bundle, id: string): Promise<void> {
    const container = await this.#factory.create(id, config, { bundle: folder });
    const process = new Process(QUIET);
    await container.start(process);
    await container.release();
    await succeed(process);
    await container.destroy();
  }

  async create({ config, folder }: Bundle, id: string): Promise<void> {
    const container = await this.#factory.create(id, config, { bundle: folder });
    await container.start(new Process(QUIET));
    this.#kept.set(id, container);
  }

  start(id: string): Promise<void> {
    return this.#container(id).exec();
  }

  async exec(id: string): Promise<void> {
    const process = new Process({ ...QUIET, args: ["/bin/true"] });
    await this.#container(id).start(process);
    await succeed(process);
  }

  async remove(id: string): Promise<void> {
    await this.#container(id).destroy({ force: true });
    this.#kept.delete(id);
  }

  pid(id: string): Promise<number> {
    return Promise.resolve(this.#container(id).ociState().pid);
  }

  #container(id: string): Container {
    const container = this.#kept.get(id);
    if (container === undefined) throw new Error(`there is no container ${id}`);
    return container;
  }
}

async function succeed(process: Process): Promise<void> {
  const { code } = await process.wait();
  if (code !== 0) throw new Error(`/bin/true ended with ${code}`);
}
