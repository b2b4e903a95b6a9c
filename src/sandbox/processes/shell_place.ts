/**
 * Where in a shell's command a word would come: inside quotes it is written in another way than
 * outside, and in some places no way is safe.
 *
 * Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.3 Token Recognition; bash(1).
 *
 * @module
 */

/** Where the next word would come. */
export type ShellPlace = "word" | "double" | "single" | "unsafe";

type Frame = "word" | "double" | "single" | "backtick" | "braces" | "paren" | "arithmetic";

/** Reads a command from its beginning, and knows where it is. It errs on the side of `unsafe`. */
export class ShellReader {
  /** The quotes and brackets that are open. */
  readonly #frames: Frame[] = ["word"];
  #isEscaped = false;
  #isComment = false;
  /** Behind what it does not follow: a here-document, or a pattern of `case` in brackets. */
  #isLost = false;
  #hasCase = false;
  #before = "\n";

  /** Reads on. */
  read(text: string): void {
    this.#hasCase ||= /\bcase\b/.test(text);
    for (const letter of text) {
      this.#take(letter);
      this.#before = letter;
    }
  }

  /** A word has come. */
  passWord(): void {
    this.#before = "w";
    this.#isEscaped = false;
  }

  /** Where the next word would come. */
  get place(): ShellPlace {
    // Behind a $ a quote begins another kind of text, or the word names a variable.
    if (this.#isLost || this.#isComment || this.#isEscaped || this.#before === "$") return "unsafe";
    const [top, below] = [this.#frames.at(-1), this.#frames.slice(0, -1)];
    if (below.includes("backtick") || below.includes("arithmetic")) return "unsafe";
    if (top === "double" || top === "single") return top;
    // In braces that stand in quotes a quote is a letter like any other.
    if (top === "braces") return below.includes("double") ? "unsafe" : "word";
    return top === "word" || top === "paren" ? "word" : "unsafe";
  }

  #take(letter: string): void {
    const top = this.#frames.at(-1) ?? "word";
    if (this.#isComment) {
      this.#isComment = letter !== "\n";
    } else if (this.#isEscaped) {
      this.#isEscaped = false;
    } else if (top === "single") {
      if (letter === "'") this.#frames.pop();
    } else if (letter === "\\") {
      this.#isEscaped = true;
    } else if (letter === "`") {
      if (top === "backtick") this.#frames.pop();
      else this.#frames.push("backtick");
    } else if (this.#before === "$" && "({['".includes(letter)) {
      this.#takeDollar(letter, top);
    } else if (letter === '"') {
      if (top === "double") this.#frames.pop();
      else this.#frames.push("double");
    } else if (top === "braces" && letter === "}") {
      this.#frames.pop();
    } else if (top !== "double") this.#takeUnquoted(letter, top);
  }

  #takeDollar(letter: string, top: Frame): void {
    if (letter === "(") this.#frames.push("paren");
    else if (letter === "{") this.#frames.push("braces");
    else if (letter === "[" || top !== "double") this.#isLost = true; // $[1 + 1], $'\n'
  }

  #takeUnquoted(letter: string, top: Frame): void {
    if (letter === "'") this.#frames.push("single");
    else if (letter === "(" && this.#before === "(" && top === "paren") {
      this.#frames.push("arithmetic"); // or a shell in a shell, which a space tells from it
    } else if (letter === "(") this.#frames.push("paren");
    else if (letter === ")" && (top === "paren" || top === "arithmetic")) {
      this.#frames.pop();
      this.#isLost ||= this.#hasCase; // it may have been a pattern's
    } else if (letter === "<" && this.#before === "<") this.#isLost = true;
    else if (letter === "#" && /[\s;&|()]/.test(this.#before)) this.#isComment = true;
  }
}
