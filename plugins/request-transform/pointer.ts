/** Deeper than any request of a provider's API; the host takes 256 levels, values included. */
const maxLevels = 32;

/** The member names that a JSON Pointer (RFC 6901) lists. @throws {Error} whose message says what is wrong with it. */
export function parsePointer(pointer: string): readonly string[] {
  if (pointer === "") throw new Error('"" is the whole body; name a member, as in "/temperature"');
  if (!pointer.startsWith("/")) {
    throw new Error(`"${pointer}" is no JSON Pointer; it starts with "/", as in "/${pointer.slice(0, 100)}"`);
  }
  if (/~(?![01])/.test(pointer)) {
    throw new Error(
      `"${pointer}" is no JSON Pointer; write "~0" for "~" and "~1" for a "/" inside of a name`,
    );
  }
  const tokens = pointer.slice(1).split("/");
  if (tokens.length > maxLevels)
    throw new Error(`a pointer has ${tokens.length} levels, the limit is ${maxLevels}`);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function printPointer(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
