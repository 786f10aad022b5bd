import type { z } from "zod";
import { printable } from "#host/json.ts";

/** In one line, for a log. Of a record's key zod says only that it is invalid; why is one level below. */
export function firstProblem({ issues: [issue] }: z.ZodError): string {
  const { message } = issue?.code === "invalid_key" ? (issue.issues[0] ?? issue) : (issue ?? { message: "" });
  return printable(
    issue === undefined || issue.path.length === 0 ? message : `${issue.path.join(".")}: ${message}`,
  );
}
