/**
 * What a path must not contain. Between us and the resource stand plugins, proxies and the upstream, each
 * with rules of its own for resolving and decoding; a path is served only when all of them read the same.
 */
const ambiguous = [
  /** What is not visible ASCII, and `\`, which some read as `/`. A `?` or `#` would end the path. */
  /[^!"$->@-[\]-~]/,
  /** Empty segments are dropped by some, kept by others. */
  /\/\//,
  /** `.` and `..`, also with parameters behind: `..;/` climbs in servlet containers. */
  /\/\.{1,2}(?:[/;]|$)/,
  /** `%` without two digits. */
  /%(?![0-9A-Fa-f]{2})/,
  /** Encoded control characters, `/`, `\`, and `%`, the begin of what is decoded twice. */
  /%(?:[01].|7F|25|2F|5C)/i,
  /** Encoded letters, digits, `-`, `.`, `_`, `~`: no client writes them, and `%2e%2e` hides a `..`. */
  /%(?:2D|2E|3\d|[46][1-9A-F]|[57][0-9A]|5F|7E)/i,
  /** Overlong UTF-8: `%C0%AE` is a dot for a careless decoder. */
  /%(?:C[01]|E0%[89]|F0%8|F[5-9A-F])/i,
];

/**
 * The segments of a path as they are compared: `/v1/chat` is `["v1", "chat"]`, `/v1/` is `["v1", ""]`. Case
 * and a trailing slash count. A reserved character and its encoding are one (`:` and `%3A`), because SDKs
 * differ in what they encode. The path itself is never rewritten.
 * @returns null for a path that two readers could understand differently.
 */
export function pathSegments(path: string): readonly string[] | null {
  if (!path.startsWith("/") || ambiguous.some((pattern) => pattern.test(path))) return null;
  return path.slice(1).replace(encodable, oneSpelling).split("/");
}

/** The same for a path of the config, which may also hold spaces and other characters that a client encodes. */
export function configuredSegments(path: string): readonly string[] | null {
  return pathSegments(path.toWellFormed().replace(/[^!-~]/gu, encodeURIComponent));
}

const encodable = /%..|["<>[\]^`{|}]/g;
const literal = /^[!$&'()*+,;=:@]$/;

function oneSpelling(found: string): string {
  if (found.length === 1) return `%${found.charCodeAt(0).toString(16).toUpperCase()}`;
  const character = String.fromCharCode(Number.parseInt(found.slice(1), 16));
  return literal.test(character) ? character : found.toUpperCase();
}
