/**
 * A place in config.json that a check looks at, and the report that collects what is wrong. A check
 * never throws: it notes a fault with its place and goes on, so that all are reported at once.
 *
 * @module
 */

import { exactJson } from "./exact_json.ts";
import type { Fault } from "../../errors.ts";

/** The largest integer that is surely the one written in the document: 2^53 - 1. */
export const MAX_EXACT: number = Number.MAX_SAFE_INTEGER;
/** 2^32 - 1, the largest uint32. */
export const MAX_UINT32 = 0xffff_ffff;

/** What the checks found; each finding is kept once. */
export class Report {
  readonly #faults = new Map<string, Fault>();
  readonly #warnings = new Map<string, Fault>();

  /** The faults, in the order found. */
  get faults(): Fault[] {
    return [...this.#faults.values()];
  }

  /** Findings that deserve a warning but don't keep the container from starting. */
  get warnings(): Fault[] {
    return [...this.#warnings.values()];
  }

  /** Notes a fault. */
  fault(pointer: string, message: string): void {
    this.#faults.set(`${pointer}\n${message}`, { pointer, message });
  }

  /** Notes a warning. */
  warn(pointer: string, message: string): void {
    this.#warnings.set(`${pointer}\n${message}`, { pointer, message });
  }
}

/** The JSON pointer of a property or element below another pointer (RFC 6901). */
export function childPointer(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Whether it is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A value with its place. The reading methods give the value if it has the right form, `undefined`
 * silently if it is missing, and `undefined` with a fault if it is something else.
 */
export class Field {
  readonly #report: Report;
  /** Where it stands. */
  readonly pointer: string;
  /** What stands there; `undefined` if nothing. */
  readonly value: unknown;

  /** Made for the root of a document; other fields come from {@linkcode Field.get}. */
  constructor(report: Report, pointer: string, value: unknown) {
    this.#report = report;
    this.pointer = pointer;
    this.value = value;
  }

  /** Whether there is anything. */
  get exists(): boolean {
    return this.value !== undefined;
  }

  /** Notes a fault of this field. */
  fault(message: string): void {
    this.#report.fault(this.pointer, message);
  }

  /** Notes a warning about this field. */
  warn(message: string): void {
    this.#report.warn(this.pointer, message);
  }

  /** Notes what the field must be, and what it is. */
  mismatch(expected: string): undefined {
    this.fault(`must be ${expected}, not ${shown(this.value)}`);
    return undefined;
  }

  /** A property; missing if this isn't an object or has none of that name. */
  get(name: string): Field {
    const value = isRecord(this.value) && Object.hasOwn(this.value, name)
      ? this.value[name]
      : undefined;
    return new Field(this.#report, childPointer(this.pointer, name), value);
  }

  /** A property that must be there if this object is. */
  need(name: string, what = "is required"): Field {
    const field = this.get(name);
    if (isRecord(this.value) && !field.exists) field.fault(what);
    return field;
  }

  /** Whether this is an object; anything else but nothing is a fault. */
  isObject(): boolean {
    if (!this.exists) return false;
    if (isRecord(this.value)) return true;
    this.mismatch("an object");
    return false;
  }

  /** The elements of an array. */
  items(): Field[] {
    if (!this.exists) return [];
    if (!Array.isArray(this.value)) {
      this.mismatch("an array");
      return [];
    }
    return this.value.map((value: unknown, index) =>
      new Field(this.#report, childPointer(this.pointer, index), value ?? null)
    );
  }

  /** The properties of an object used as a map. */
  entries(): [string, Field][] {
    if (!this.isObject()) return [];
    return Object.keys(this.value as Record<string, unknown>).map((key) => [key, this.get(key)]);
  }

  /** A string. */
  string(): string | undefined {
    if (!this.exists || typeof this.value === "string") return this.value as string | undefined;
    return this.mismatch("a string");
  }

  /** A string that isn't empty. */
  filled(): string | undefined {
    const text = this.string();
    if (text !== "") return text;
    this.fault("must not be empty");
    return undefined;
  }

  /** A string that begins with a slash. */
  absolutePath(): string | undefined {
    const path = this.string();
    if (path === undefined || path.startsWith("/")) return path;
    return this.mismatch("an absolute path");
  }

  /** An array of strings. */
  strings(): string[] {
    return this.items().map((item) => item.string()).filter((text) => text !== undefined);
  }

  /** True or false. */
  boolean(): boolean | undefined {
    if (!this.exists || typeof this.value === "boolean") return this.value as boolean | undefined;
    return this.mismatch("true or false");
  }

  /** An integer within bounds, both included. */
  integer(min: number, max: number): number | undefined {
    if (!this.exists) return undefined;
    if (typeof this.value !== "number" || !Number.isInteger(this.value)) {
      return this.mismatch("an integer");
    }
    if (this.value >= min && this.value <= max) return this.value;
    const inexact = Math.abs(this.value) > MAX_EXACT && (max === MAX_EXACT || min === -MAX_EXACT);
    return this.mismatch(
      `an integer from ${min} to ${max}` + (inexact ? " (2^53 - 1, beyond which JSON rounds)" : ""),
    );
  }

  /** A uint32, such as a user id. */
  uint32(): number | undefined {
    return this.integer(0, MAX_UINT32);
  }

  /** A uint64 that must be exact. */
  uint64(): number | undefined {
    return this.integer(0, MAX_EXACT);
  }

  /** An int64 that must be exact. */
  int64(): number | undefined {
    return this.integer(-MAX_EXACT, MAX_EXACT);
  }

  /**
   * A limit of bytes or tasks, -1 for none. A limit that is too large to be exact is taken as it
   * is: no machine has as much, so rounding makes no difference.
   */
  limit(min: 0 | -1 = -1): number | undefined {
    return this.integer(min, 2 ** 64);
  }

  /** One of some words. */
  oneOf<Word extends string>(words: readonly Word[]): Word | undefined {
    const text = this.string();
    if (text === undefined) return undefined;
    const found = words.find((word) => word === text);
    return found ?? this.mismatch(`one of ${words.join(", ")}`);
  }
}

const SHOWN_LENGTH = 60;

function shown(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (isRecord(value)) return "an object";
  const text = exactJson(value) ?? typeof value;
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}
