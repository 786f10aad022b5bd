import { createInterface } from "node:readline";

/**
 * Calls `onKey` with each key that is pressed on a terminal, Ctrl-C being `q`, or elsewhere with each line of
 * standard input. Its end is no key: who runs this in the background has none.
 */
export function listenForKeys(onKey: (key: string) => void): { close(): void } {
  const { stdin } = process;
  if (!stdin.isTTY) {
    const lines = createInterface({ input: stdin });
    lines.on("line", (line) => onKey(line.trim()));
    return { close: () => lines.close() };
  }
  const press = (bytes: Buffer) => {
    for (const key of bytes.toString("utf8")) onKey(key === "\u0003" || key === "\u0004" ? "q" : key);
  };
  stdin.setRawMode(true);
  stdin.on("data", press);
  return {
    close() {
      stdin.off("data", press);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
