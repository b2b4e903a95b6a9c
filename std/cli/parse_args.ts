/**
 * Parses the arguments of a command line: a stand-in with the published signature of
 * `@std/cli/parse-args`, for hosts that can't reach its registry.
 *
 * @module
 */

/** What the flags are. */
export interface ParseOptions {
  /** Flags without a value. */
  readonly boolean?: string | readonly string[];
  /** Flags whose value stays text; `_` for the arguments. */
  readonly string?: string | readonly string[];
  /** Flags that may be given several times. */
  readonly collect?: string | readonly string[];
  /** Boolean flags that `--no-` turns off. */
  readonly negatable?: string | readonly string[];
  /** Other names of flags. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Values of flags that are not given. */
  readonly default?: Readonly<Record<string, unknown>>;
  /** Whether all behind the first argument is left as it is. */
  readonly stopEarly?: boolean;
  /** Whether what stands behind `--` gets a field of its own. */
  readonly "--"?: boolean;
  /** Called for what is not known; false leaves it out. */
  readonly unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}

/** The flags by name, and the arguments as `_`. */
export interface Args extends Record<string, unknown> {
  /** The arguments. */
  _: (string | number)[];
  /** What stood behind `--`, if that was asked for. */
  "--"?: string[];
}

/**
 * Parses.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { parseArgs } from "./parse_args.ts";
 *
 * const { quiet, file, _ } = parseArgs(["-q", "--file=a", "b"], {
 *   boolean: ["quiet"],
 *   string: ["file"],
 *   alias: { q: "quiet" },
 * });
 * assert(quiet === true && file === "a" && _[0] === "b");
 * ```
 */
export function parseArgs(args: readonly string[], options: ParseOptions = {}): Args {
  const parser = new Parser(options);
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const behind = end < 0 ? [] : args.slice(end + 1);
  return parser.parse(own, behind);
}

const NUMBER = /^(?:[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|0x[0-9a-f]+)$/i;

class Parser {
  readonly #options: ParseOptions;
  readonly #boolean: ReadonlySet<string>;
  readonly #string: ReadonlySet<string>;
  readonly #collect: ReadonlySet<string>;
  readonly #negatable: ReadonlySet<string>;
  readonly #names = new Map<string, readonly string[]>();
  readonly #args: Args = { _: [] };
  readonly #given = new Set<string>();

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, value] of Object.entries(options.alias ?? {})) {
      const all = [...new Set([name, ...list(value)])];
      for (const each of all) {
        this.#names.set(each, [...new Set([...this.#names.get(each) ?? [], ...all])]);
      }
    }
    this.#boolean = this.#withAliases(options.boolean);
    this.#string = this.#withAliases(options.string);
    this.#collect = this.#withAliases(options.collect);
    this.#negatable = this.#withAliases(options.negatable);
  }

  parse(args: readonly string[], behind: readonly string[]): Args {
    for (let k = 0; k < args.length; k++) {
      const arg = args[k] as string;
      const next = args[k + 1];
      if (arg.startsWith("--") && arg.length > 2) k += this.#long(arg, next);
      else if (/^-[^-]/.test(arg) && !NUMBER.test(arg)) k += this.#letters(arg, next);
      else {
        this.#positional(arg);
        if (this.#options.stopEarly !== true) continue;
        args.slice(k + 1).forEach((rest) => this.#push(rest));
        break;
      }
    }
    this.#fillDefaults();
    if (this.#options["--"] === true) this.#args["--"] = [...behind];
    else behind.forEach((rest) => this.#push(rest));
    return this.#args;
  }

  /** Gives how many further words it took. */
  #long(arg: string, next: string | undefined): number {
    const at = arg.indexOf("=");
    const name = at < 0 ? arg.slice(2) : arg.slice(2, at);
    if (at >= 0) return this.#set(name, this.#convert(name, arg.slice(at + 1)), arg);
    if (name.startsWith("no-") && this.#negatable.has(name.slice(3))) {
      return this.#set(name.slice(3), false, arg);
    }
    return this.#valueFrom(name, next, arg);
  }

  #letters(arg: string, next: string | undefined): number {
    const letters = arg.slice(1);
    for (let k = 0; k < letters.length; k++) {
      const letter = letters[k] as string;
      const rest = letters.slice(k + 1);
      if (rest === "") return this.#valueFrom(letter, next, arg);
      const value = rest.startsWith("=") ? rest.slice(1) : rest;
      if (rest.startsWith("=") || this.#takesValue(letter, rest)) {
        return this.#set(letter, this.#convert(letter, value), arg);
      }
      this.#set(letter, this.#string.has(letter) ? "" : true, arg);
    }
    return 0;
  }

  /** Whether what follows a letter in the same word is its value. */
  #takesValue(letter: string, rest: string): boolean {
    if (this.#boolean.has(letter)) return false;
    return this.#string.has(letter) || NUMBER.test(rest) || /^\W/.test(rest);
  }

  #valueFrom(name: string, next: string | undefined, arg: string): number {
    if (next !== undefined && this.#boolean.has(name) && /^(true|false)$/.test(next)) {
      this.#set(name, next === "true", arg);
      return 1;
    }
    const isValue = next !== undefined && (!next.startsWith("-") || NUMBER.test(next));
    if (!isValue || this.#boolean.has(name)) {
      return this.#set(name, this.#string.has(name) ? "" : true, arg);
    }
    this.#set(name, this.#convert(name, next), arg);
    return 1;
  }

  #convert(name: string, value: string): unknown {
    if (this.#boolean.has(name)) return value !== "false";
    return !this.#string.has(name) && NUMBER.test(value) ? Number(value) : value;
  }

  #set(name: string, value: unknown, arg: string): number {
    const isKnown = [this.#boolean, this.#string, this.#collect, this.#negatable, this.#names]
      .some((known) => known.has(name));
    if (!isKnown && this.#options.unknown?.(arg, name, value) === false) return 0;
    for (const each of this.#allNames(name)) {
      this.#given.add(each);
      if (this.#collect.has(each)) {
        const before = this.#args[each];
        this.#args[each] = [...(Array.isArray(before) ? before : []), value];
      } else this.#args[each] = value;
    }
    return 0;
  }

  #positional(arg: string): void {
    if (this.#options.unknown?.(arg) !== false) this.#push(arg);
  }

  #push(arg: string): void {
    this.#args._.push(!this.#string.has("_") && NUMBER.test(arg) ? Number(arg) : arg);
  }

  #fillDefaults(): void {
    const fill = (name: string, value: unknown) => {
      for (const each of this.#allNames(name)) if (!this.#given.has(each)) this.#args[each] = value;
    };
    for (const name of this.#collect) fill(name, []);
    for (const name of this.#boolean) if (!this.#collect.has(name)) fill(name, false);
    for (const [name, value] of Object.entries(this.#options.default ?? {})) fill(name, value);
  }

  #allNames(name: string): readonly string[] {
    return this.#names.get(name) ?? [name];
  }

  #withAliases(names: string | readonly string[] | undefined): ReadonlySet<string> {
    return new Set(list(names).flatMap((name) => this.#allNames(name)));
  }
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}
