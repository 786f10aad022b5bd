/** The value of an upstream's JSON, or undefined when it is none: an upstream may send anything. */
export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
