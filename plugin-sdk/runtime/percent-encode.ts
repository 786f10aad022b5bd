/**
 * Stands for the package `@exodus/bytes` in a plugin, whose tables of other encodings are large. whatwg-url encodes
 * queries with it, always in UTF-8; `encoded` has what is encoded beside controls and what is not ASCII.
 */
export function percentEncodeAfterEncoding(_encoding: "utf-8", text: string, encoded: string): string {
  let output = "";
  for (const character of text.toWellFormed()) {
    const code = character.charCodeAt(0);
    if (code > 0x7f) output += encodeURIComponent(character);
    else if (code > 0x1f && code < 0x7f && !encoded.includes(character)) output += character;
    else output += `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return output;
}
