/**
 * Keeps what is known of a task. What has happened whether it can be kept or not is kept later,
 * where there is no room for it (ENOSPC).
 *
 * @module
 */

const RETRY_MS = 1000;

/** The keeping. */
export class Keeping {
  readonly #write: () => void;
  readonly #warn: (error: unknown) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** @param write keeps what is known at that time */
  constructor(write: () => void, warn: (error: unknown) => void) {
    this.#write = write;
    this.#warn = warn;
  }

  /**
   * Keeps it.
   *
   * @throws {SyscallError}
   */
  now(): void {
    if (this.#isOver) return;
    this.#write();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Keeps it, later if need be. */
  surely(): void {
    try {
      this.now();
    } catch (error) {
      if (this.#timer === undefined) this.#warn(error);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.surely(), RETRY_MS);
    }
  }

  /** Nothing is kept any more. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
