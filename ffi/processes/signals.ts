/**
 * Signals by name and number.
 *
 * @module
 */

/** The numbers of signal(7), the same on x86_64 and aarch64. */
const NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  IOT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  POLL: 29,
  PWR: 30,
  SYS: 31,
  UNUSED: 31,
};

const RTMIN = 34;
const RTMAX = 64;

/**
 * The number of a signal given as `TERM`, `SIGTERM`, `15`, `RTMIN+2` or a number; 0, which is no
 * signal, asks whether the process is there (kill(2)).
 *
 * @returns undefined if there is no such signal
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { signalNumber } from "./signals.ts";
 * assert(signalNumber("SIGTERM") === 15 && signalNumber("kill") === 9);
 * assert(signalNumber("nonsense") === undefined);
 * ```
 */
export function signalNumber(signal: string | number): number | undefined {
  const text = String(signal).trim();
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number <= RTMAX ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  if (Object.hasOwn(NUMBERS, name)) return NUMBERS[name];
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realTime === null) return undefined;
  const offset = Number(realTime[3] ?? 0) * (realTime[2] === "-" ? -1 : 1);
  const number = (realTime[1] === "MIN" ? RTMIN : RTMAX) + offset;
  return number >= RTMIN && number <= RTMAX ? number : undefined;
}

/** The name of a signal with its SIG, such as `SIGKILL`; `SIGRTMIN+n` for the real-time ones. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(NUMBERS)) if (value === number) return `SIG${name}`;
  return number >= RTMIN ? `SIGRTMIN+${number - RTMIN}` : `SIG${number}`;
}
