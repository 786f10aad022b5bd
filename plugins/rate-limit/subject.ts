type Values = { readonly [name: string]: string };
type Input = {
  readonly request: { readonly headers: Values };
  readonly context: { readonly consumer?: string; readonly tags: Values };
};
type Hash = (algorithm: "sha-256", data: string) => string;

/** What a key of the store has room for, with characters of up to three bytes. */
const longestChars = 100;

/** Whose limit a request falls under. Without a consumer, the header or the tag it is one that all such requests share. */
export function subjectOf(by: string, { request, context }: Input, hash: Hash): string {
  const value = valueFor(by, request.headers, context);
  if (value === undefined) return "";
  return value.length > longestChars ? `# ${hash("sha-256", value)}` : `= ${value}`;
}

function valueFor(by: string, headers: Values, { consumer, tags }: Input["context"]): string | undefined {
  if (by === "all") return undefined;
  if (by === "consumer") return consumer;
  if (by.startsWith("header:")) return own(headers, by.slice("header:".length).toLowerCase());
  return own(tags, by.slice("tag:".length));
}

function own(values: Values, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

const credentialHeaders = [
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "cookie",
];

/** The header of `header:NAME` that no plugin gets with the others; null where there is none. */
export function credentialHeader(by: string): string | null {
  const name = by.replace(/^header:/, "").toLowerCase();
  return by.startsWith("header:") && credentialHeaders.includes(name) ? name : null;
}
