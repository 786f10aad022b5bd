/** Finds one kind of personal data or secret. */
export type Recogniser = {
  /** What a match must have, cheap to look for; absent: nothing of the kind. */
  readonly needs?: string;
  /** With the flag `g`. */
  readonly pattern: RegExp;
  /** How many characters of what the pattern found are it: all, some or none (0). Absent: all. */
  readonly check?: (found: string) => number;
  /** The end of a text that may be the beginning of a match; of the last `longest` characters. */
  readonly open: RegExp;
  /** Characters that a match has at most, with those behind it that decide about it. */
  readonly longest: number;
};

const byte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

export const recognisers = {
  email: {
    needs: "@",
    pattern: /(?<![\w.%+-])[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}/g,
    // RFC 5321 allows 254.
    check: (found) => (found.length <= 320 ? found.length : 0),
    open: /(?<![\w.%+-])[\w.%+-]+(?:@[A-Za-z0-9.-]*)?$/,
    longest: 321,
  },
  /** International with + or 00, and North American. */
  phone: {
    pattern: /(?<![\w.+-])(?:(?:\+|00)\d[\d ()./-]{5,22}\d|(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?!\w)/g,
    check: (found) => (isBetween(digitsIn(found).length, 7, 15) ? found.length : 0),
    open: /(?:\+|\(|\d)[\d ()./-]{0,30}$/,
    longest: 32,
  },
  iban: {
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}/g,
    check: ibanLength,
    open: /(?<![A-Za-z0-9])[A-Z](?:[A-Z](?:\d(?:\d[A-Z0-9 ]{0,40})?)?)?$/,
    longest: 45,
  },
  "credit-card": {
    pattern: /(?<![\d.-])[2-6]\d{3}(?:[ -]?\d){9,15}/g,
    check: cardLength,
    open: /\d[\d -]{0,34}$/,
    longest: 35,
  },
  /** Of the United States. */
  ssn: {
    pattern: /(?<![\d-])(?!000|666|9)\d{3}([ -])(?!00)\d\d\1(?!0000)\d{4}(?![\d-])/g,
    open: /\d[\d -]{0,10}$/,
    longest: 12,
  },
  ipv4: {
    needs: ".",
    pattern: new RegExp(`(?<![\\w.])(?:${byte}\\.){3}${byte}(?![\\w]|\\.\\d)`, "g"),
    open: /\d[\d.]{0,15}$/,
    longest: 17,
  },
  ipv6: {
    needs: ":",
    pattern: /(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])/g,
    check: (found) => (isIpv6(found) ? found.length : 0),
    open: /[0-9A-Fa-f:]{1,40}$/,
    longest: 41,
  },
  /** Of OpenAI, Anthropic, Stripe, AWS, GitHub, GitLab, Google, Slack, npm and Hugging Face. */
  "api-key": {
    pattern:
      /(?<![A-Za-z0-9])(?:sk-[\w-]{20,250}|[srp]k_(?:live|test)_\w{16,250}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{36,250}|github_pat_\w{22,250}|glpat-[\w-]{20,250}|AIza[\w-]{35}|xox[abeprs]-[\w-]{10,250}|npm_\w{36}|hf_\w{30,250})(?![\w-])/g,
    open: /(?<![\w-])[\w-]+$/,
    longest: 263,
  },
} as const satisfies { readonly [name: string]: Recogniser };

export type RecogniserName = keyof typeof recognisers;
export const recogniserNames = Object.keys(recognisers) as readonly RecogniserName[];

function digitsIn(text: string): string {
  return text.replace(/\D/g, "");
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/** Lengths by country, of the IBAN registry (ISO 13616). */
const ibanLengths: ReadonlyMap<string, number> = new Map(
  (
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28" +
    "IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24" +
    "SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20"
  )
    .match(/.{4}/g)
    ?.map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** The pattern may have taken the next word too, so only as much counts as the country's numbers have. */
function ibanLength(found: string): number {
  const wanted = ibanLengths.get(found.slice(0, 2));
  if (wanted === undefined) return 0;
  const end = endAfter(found, wanted, /[A-Z0-9]/);
  const iban = found.slice(0, end).replaceAll(" ", "");
  if (iban.length < wanted || /[A-Z0-9]/.test(found[end] ?? "")) return 0;
  // ISO 7064: letters are 10 to 35, and the whole number leaves 1 when it is divided by 97.
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1 ? end : 0;
}

/** The longest beginning, up to the end of a group of digits, that has a card's length and check digit. */
function cardLength(found: string): number {
  const digits = digitsIn(found);
  for (let count = Math.min(19, digits.length); count >= 13; count -= 1) {
    const end = endAfter(found, count, /\d/);
    if (!/\d/.test(found[end] ?? "") && hasLuhn(digits.slice(0, count))) return end;
  }
  return 0;
}

/** Where the first `count` characters of a kind have ended. */
function endAfter(text: string, count: number, kind: RegExp): number {
  let left = count;
  for (let index = 0; index < text.length; index += 1) {
    if (kind.test(text[index] ?? "")) left -= 1;
    if (left === 0) return index + 1;
  }
  return text.length;
}

/** ISO/IEC 7812-1, annex B. */
function hasLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** RFC 4291 2.2: eight groups, or fewer around one `::`. */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const all = groups.flat();
  if (all.includes("")) return false;
  // `::` alone and `a::` are more often a piece of code than an address.
  return halves.length === 1 ? all.length === 8 : isBetween(all.length, 2, 7);
}
