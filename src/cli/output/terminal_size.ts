/** How large this program's terminal is. @module */

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** That of a terminal that doesn't know its size. */
export const USUAL_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** How large it is; what is usual where it doesn't know. */
export function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE;
  } catch {
    return USUAL_SIZE; // it was hung up
  }
}
