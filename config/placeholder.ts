/** The punctuation that ends a plain scalar, and where `${…}` keeps it while the file is parsed. */
const punctuation = "{}[],:#";
const stand = 0xe000;
const placeholder = /\$\{[^{}\s"':]*(?::[^{}\r\n"']*)?\}/g;

/**
 * Inside `[…]` and `{…}` YAML takes the braces of `${NAME}` for a map of its own. For the time of parsing they
 * are other characters, one for one, so that every offset stays. A file that holds these private characters
 * itself gets them as they are read back: as punctuation inside its strings, never as structure.
 */
export function protectPlaceholders(text: string): string {
  return text.replace(placeholder, (found) =>
    found.replace(/[{}[\],:#]/g, (mark) => String.fromCharCode(stand + punctuation.indexOf(mark))),
  );
}

/** Undoes `protectPlaceholders`, also in a part of the text. */
export function restorePlaceholders(text: string): string {
  return text.replace(/[\ue000-\ue006]/g, (mark) => punctuation[mark.charCodeAt(0) - stand] ?? mark);
}
