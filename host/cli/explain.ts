import { Command } from "commander";
import { printProblem } from "#config/problem.ts";
import { locateProblem } from "#config/source.ts";
import { suggest } from "#config/suggest.ts";
import { callLimits, moduleLimits, pagesPerMb, scheduleLimits } from "#host/limits.ts";
import { loadManifests } from "#host/load-generation.ts";
import { type ExplainOptions, type Explanation, explain } from "#host/resolve/explain.ts";
import { createResolver } from "#host/resolve/plan.ts";
import { explanationText } from "./explain-text.ts";

type Options = {
  readonly config: string;
  readonly route?: string;
  readonly consumer?: string;
  readonly path?: string;
  readonly method: string;
  readonly host: string;
  readonly header: readonly string[];
  readonly model?: string;
  readonly json?: true;
};

/** `sandgate explain`: the plan of a route for a consumer, and where every part of it comes from. Exit code 1 when there is none. */
export function explainCommand(): Command {
  return new Command("explain")
    .description("show which plugins run for a route and a consumer, and where each value comes from")
    .requiredOption("-c, --config <gateway.yaml>", "the config")
    .option("-r, --route <name>", "the route")
    .option("--consumer <name>", "who is calling; without it nobody is identified")
    .option("-p, --path <path>", "find the route of a request with this path, in place of --route")
    .option("-m, --method <method>", "method of that request", "POST")
    .option("--host <host>", "its Host header", "localhost")
    .option("-H, --header <name: value>", "a header of it; may be repeated", collect, [])
    .option("--model <model>", "`model` of its body")
    .option("--json", "print JSON, see docs/explain.md")
    .action(async (options: Options) => {
      const found = await explained(options);
      if ("problems" in found) {
        for (const problem of found.problems) process.stderr.write(`${problem}\n`);
        process.exitCode = 1;
        return;
      }
      const { explanation } = found;
      process.stdout.write(
        options.json ? `${JSON.stringify(explanation, null, 2)}\n` : explanationText(explanation),
      );
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

type Found = { readonly explanation: Explanation } | { readonly problems: readonly string[] };

async function explained(options: Options): Promise<Found> {
  const loaded = await loadManifests({ file: options.config, env: process.env });
  if ("problems" in loaded) return { problems: loaded.problems.map(printProblem) };
  const { accepted, manifests } = loaded;
  const { config, source } = accepted;
  const resolved = createResolver(config, manifests);
  if ("problems" in resolved) {
    return { problems: resolved.problems.map((one) => printProblem(locateProblem(source, one))) };
  }
  const { resolver } = resolved;
  const route = routeOf({ config, resolver }, options);
  if ("problem" in route) return { problems: [route.problem] };
  const consumer = options.consumer ?? null;
  if (consumer !== null && !Object.hasOwn(config.consumers, consumer)) {
    return { problems: [unknown("consumer", consumer, Object.keys(config.consumers))] };
  }
  const memoryMb = moduleLimits.memoryPages / pagesPerMb;
  const { fuel, deadlineMs } = callLimits;
  const context = {
    ...{ config, source, resolver, manifests },
    callLimits: { fuel, deadlineMs, memoryMb },
    schedules: { ...scheduleLimits, next: () => null },
  };
  return { explanation: explain(context, { route: route.name, consumer }) };
}

function routeOf(
  { config, resolver }: Pick<ExplainOptions, "config" | "resolver">,
  { route, path, method, host, header, model }: Options,
): { readonly name: string } | { readonly problem: string } {
  if ((route === undefined) === (path === undefined)) return { problem: "give either --route or --path" };
  if (path === undefined) {
    const name = route ?? "";
    return Object.hasOwn(config.routes, name)
      ? { name }
      : { problem: unknown("route", name, Object.keys(config.routes)) };
  }
  const headers = Object.fromEntries(header.map(readHeader));
  const [withoutQuery = ""] = path.split("?");
  const match = resolver.match({
    method: method.toUpperCase(),
    path: withoutQuery,
    host,
    headers,
    model: () => model,
  });
  switch (match.kind) {
    case "route":
      return { name: match.route };
    case "method":
      return { problem: `this path takes ${match.allow.join(", ")}` };
    case "none":
      return { problem: "no route matches this request: it is answered with 404, no_route" };
    default:
      return match satisfies never;
  }
}

function readHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  return colon < 0
    ? [text.toLowerCase(), ""]
    : [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}

function unknown(kind: string, given: string, known: readonly string[]): string {
  const hint = suggest(given, known);
  return `there is no ${kind} "${given}"${hint === undefined ? "" : `, did you mean "${hint}"?`}`;
}
