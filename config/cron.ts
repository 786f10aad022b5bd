import { Cron } from "croner";

/** A cron line of five fields, read in a time zone. Both as the functions here have accepted them. */
export type CronTimes = { readonly cron: string; readonly timezone: string };

/** Of the classic five fields alone. What croner knows beyond them can ask for a time that it searches a second for. */
const fields = [
  { name: "minute", takes: "0 to 59", shape: /^[\d*,/-]+$/ },
  { name: "hour", takes: "0 to 23", shape: /^[\d*,/-]+$/ },
  { name: "day of the month", takes: "1 to 31", shape: /^[\d*,/-]+$/ },
  {
    name: "month",
    takes: "1 to 12 or JAN to DEC",
    shape: /^([\d*,/-]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)+$/i,
  },
  {
    name: "day of the week",
    takes: "0 to 7 or SUN to SAT",
    shape: /^([\d*,/-]|SUN|MON|TUE|WED|THU|FRI|SAT)+$/i,
  },
] as const;

export const longestCronLine = 128;

/** What is wrong with a cron line, to be said of it; null when it can be used. Repeats nothing of the line. */
export function cronProblem(line: string): string | null {
  const parts = line.split(/ +/);
  if (line.length > longestCronLine || parts.length !== fields.length || parts.includes("")) {
    const names = fields.map(({ name }) => name).join(", ");
    return `must have five fields (${names}), in at most ${longestCronLine} characters; for seconds there is every`;
  }
  for (const [index, { name, takes, shape }] of fields.entries()) {
    const part = parts[index] ?? "";
    const alone = fields.map((_, other) => (other === index ? part : "*")).join(" ");
    if (!shape.test(part) || parse(alone, "UTC") === null) {
      return `its ${name} must be ${takes} or *, lists (1,15), ranges (1-5) or steps (*/5, 1-9/2) of them`;
    }
  }
  return isEverDue(line) ? null : "names days that none of its months has, so it would never run";
}

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/**
 * The first time after this one. Of an hour that the clock leaves out, a line of one fixed time runs at its end and others
 * not at all; of one that comes twice, a fixed time runs once.
 * @returns milliseconds since 1970; null when there is none in this millennium.
 */
export function nextCronMs({ cron, timezone }: CronTimes, afterMs: number): number | null {
  return parse(cron, timezone)?.nextRun(new Date(afterMs))?.getTime() ?? null;
}

function parse(line: string, timezone: string): Cron | null {
  try {
    return new Cron(line, { mode: "5-part", timezone });
  } catch {
    return null;
  }
}

/** Searches one leap year, which has every date: for a day that is in none, croner would go through centuries. */
function isEverDue(line: string): boolean {
  const inLeapYear = new Cron(`0 ${line} 2000`, { mode: "7-part", timezone: "UTC" });
  return inLeapYear.nextRun(new Date("1999-12-31T23:59:59Z")) !== null;
}
