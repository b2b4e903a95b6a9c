/**
 * Keys from the bytes that a terminal sends for them.
 *
 * Source: console_codes(4), xterm's ctlseqs.
 *
 * @module
 */

/** A key: a character that was typed, or one with a name. */
export type Key =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: KeyName };

/** The keys that have a name. */
export type KeyName =
  | "up"
  | "down"
  | "pageUp"
  | "pageDown"
  | "home"
  | "end"
  | "enter"
  | "escape"
  | "backspace"
  | "clearLine"
  | "redraw";

const SEQUENCES: Readonly<Record<string, KeyName>> = {
  "A": "up",
  "B": "down",
  "H": "home",
  "F": "end",
  "1~": "home",
  "4~": "end",
  "7~": "home",
  "8~": "end",
  "5~": "pageUp",
  "6~": "pageDown",
};

const CONTROLS: Readonly<Record<string, KeyName>> = {
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x15": "clearLine",
  "\x0c": "redraw",
};

/** A whole sequence: ESC, `[` or `O`, parameters, and a letter or `~`. */
// deno-lint-ignore no-control-regex -- ESC begins it
const SEQUENCE = /^\x1b(?:\[([0-9;?<>=]*)([ -/]*[@-~])|O([0-9;]*)([@-~]))/;
/** The beginning of one. */
// deno-lint-ignore no-control-regex -- ESC begins it
const BEGUN = /^\x1b(?:[[O][0-9;?<>=]*[ -/]*)?$/;

/** Takes what a terminal sends apart. A sequence, or a character, may come in several pieces. */
export class KeyDecoder {
  readonly #text = new TextDecoder();
  #rest = "";

  /** Whether a piece may be missing: if none follows soon, {@linkcode KeyDecoder.end} tells. */
  get isMidway(): boolean {
    return this.#rest !== "";
  }

  /** The keys of these bytes. */
  take(bytes: Uint8Array): Key[] {
    const text = this.#rest + this.#text.decode(bytes, { stream: true });
    this.#rest = "";
    const keys: Key[] = [];
    for (let at = 0; at < text.length;) {
      const rest = text.slice(at);
      if (BEGUN.test(rest)) {
        this.#rest = rest;
        break;
      }
      const [size, key] = first(rest);
      if (key !== undefined) keys.push(key);
      at += size;
    }
    return keys;
  }

  /** The keys of what came so far, if nothing follows: an ESC alone is the key of that name. */
  end(): Key[] {
    const rest = this.#rest;
    this.#rest = "";
    return rest === "\x1b" ? [{ kind: "escape" }] : [];
  }
}

/** The first key of a text that is not empty, and how long it is; sequences may mean none. */
function first(text: string): [size: number, key?: Key] {
  const sequence = SEQUENCE.exec(text);
  if (sequence !== null) {
    const [whole, parameters = "", letter, , plain] = sequence;
    const kind = SEQUENCES[plain ?? (letter === "~" ? `${parameters}~` : letter ?? "")];
    return kind === undefined ? [whole.length] : [whole.length, { kind }];
  }
  const letter = String.fromCodePoint(text.codePointAt(0) as number);
  if (letter === "\x1b") return [1, { kind: "escape" }];
  const kind = CONTROLS[letter];
  if (kind !== undefined) return [1, { kind }];
  return /^\p{C}$/u.test(letter)
    ? [letter.length]
    : [letter.length, { kind: "text", text: letter }];
}
