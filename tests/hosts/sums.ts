/** The sums that scripts/test prints, of several machines. @module */

/** How many tests ended how. */
export interface Sum {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Before anything ran. */
export const NONE: Sum = { passed: 0, failed: 0, skipped: 0 };

/** The sum that is a line of its own; undefined if it is another line. */
export function parseSum(line: string): Sum | undefined {
  const found = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line);
  if (found === null) return undefined;
  const [passed = 0, failed = 0, skipped = 0] = found.slice(1).map(Number);
  return { passed, failed, skipped };
}

/** Both together. */
export function add(a: Sum, b: Sum): Sum {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** As the last line of scripts/test says it. */
export function showSum({ passed, failed, skipped }: Sum): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Passes on what a run prints, line by line, but for its last line, the sum, which it keeps. */
export class SumReader {
  #rest = "";
  #sum: Sum | undefined;
  readonly #pass: (line: string) => void;

  /** `pass` is told each other line. */
  constructor(pass: (line: string) => void) {
    this.#pass = pass;
  }

  /** More of what it prints. */
  read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** The sum, once it has ended; undefined if it did not come so far. */
  end(): Sum | undefined {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
    return this.#sum;
  }

  #line(line: string): void {
    const sum = parseSum(line);
    if (sum === undefined) this.#pass(line);
    else this.#sum = sum;
  }
}
