/**
 * The time as state.json has it.
 *
 * @module
 */

const DAY_MS = 86_400_000;
/** From the first of March of the year 0 to 1970. */
const DAYS_BEFORE_1970 = 719_468;
/** Days of 400, of 100, of 4 years and of one, as far as no leap day makes a longer one. */
const [CYCLE, CENTURY, FOUR_YEARS, YEAR] = [146_097, 36_524, 1461, 365] as const;

/**
 * A time in RFC 3339, UTC, as `Date.prototype.toISOString` writes it; from the year 0 to 9999. The
 * engine's Date reads the host's time zone at its first use and takes ten times as long, which every
 * start would wait for. Years are counted from March on, so that the leap day is a year's last.
 *
 * @param time in milliseconds since 1970
 */
export function timestamp(time: number): string {
  const days = Math.floor(time / DAY_MS) + DAYS_BEFORE_1970;
  const cycle = Math.floor(days / CYCLE);
  const inCycle = days - cycle * CYCLE;
  const leapDays = Math.floor(inCycle / (FOUR_YEARS - 1)) - Math.floor(inCycle / CENTURY) +
    Math.floor(inCycle / (CYCLE - 1));
  const yearOfCycle = Math.floor((inCycle - leapDays) / YEAR);
  const dayOfYear = inCycle -
    (yearOfCycle * YEAR + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153); // five months have 153 days
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = (fromMarch + 2) % 12 + 1;
  const year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0);
  const ms = time - Math.floor(time / DAY_MS) * DAY_MS;
  const clock = [ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60].map((part) => digits(part));
  const date = [digits(year, 4), digits(month), digits(day)].join("-");
  return `${date}T${clock.join(":")}.${digits(ms % 1000, 3)}Z`;
}

function digits(number: number, count = 2): string {
  return String(Math.floor(number)).padStart(count, "0");
}
