import { readFileSync } from "node:fs";

/** One recorded answer: `answers/NAME.http`, a status line, headers, an empty line and the exact body. */
export type RecordedAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export function readAnswer(name: string): RecordedAnswer {
  const bytes = readFileSync(new URL(`answers/${name}.http`, import.meta.url));
  const end = bytes.indexOf("\n\n");
  const [statusLine = "", ...fields] = bytes.toString("latin1", 0, end).split("\n");
  return {
    status: Number(statusLine.split(" ")[1]),
    headers: Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(": ");
        return [field.slice(0, colon), field.slice(colon + 2)];
      }),
    ),
    body: bytes.subarray(end + 2),
  };
}

/** The answer that a provider would give to this request, when all is well. */
export function fittingAnswer(url: string, json: unknown): string {
  const path = new URL(url, "http://upstream").pathname;
  const asked = json as { stream?: boolean; stream_options?: { include_usage?: boolean } } | undefined;
  const streaming = asked?.stream === true ? "-stream" : "";
  if (path.endsWith("/chat/completions")) {
    return `chat${streaming}${streaming && asked?.stream_options?.include_usage === true ? "-usage" : ""}`;
  }
  if (path.endsWith("/responses")) return `responses${streaming}`;
  if (path.endsWith("/messages")) return `anthropic-${streaming === "" ? "message" : "stream"}`;
  if (path.endsWith("/embeddings")) return "embeddings";
  if (path.endsWith("/models")) return "models";
  return "error-404";
}
