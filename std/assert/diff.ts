/** What two texts have and lack, line by line. @module */

const MOST_LINES = 2000;

/** The lines of both: ` ` in both, `-` in the first alone, `+` in the second alone. */
export function diff(actual: string, expected: string): string {
  const [a, b] = [actual.split("\n"), expected.split("\n")];
  if (a.length * b.length > MOST_LINES ** 2) return `- ${actual}\n+ ${expected}`;
  const common = longest(a, b);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`    ${a[i++]}`);
      j++;
    } else if (j >= b.length || (i < a.length && at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push(`-   ${a[i++]}`);
    } else lines.push(`+   ${b[j++]}`);
  }
  return lines.join("\n");
}

/** How many lines the ends from [i] and [j] on have in common, in order. */
function longest(a: readonly string[], b: readonly string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = table[i] as number[];
      row[j] = a[i] === b[j]
        ? at(table, i + 1, j + 1) + 1
        : Math.max(at(table, i + 1, j), at(table, i, j + 1));
    }
  }
  return table;
}

function at(table: readonly number[][], i: number, j: number): number {
  return table[i]?.[j] ?? 0;
}
