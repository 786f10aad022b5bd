import { resolve } from "node:path";
import { isScalar, parseDocument, type Scalar } from "yaml";
import { startOf, type Text, type TextProblem } from "./inspect.ts";
import { configLimits } from "./limits.ts";
import { FileRefused, readBounded } from "./read-bounded.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A scalar whose value is not what the file says. */
export type Interpolated = {
  /** As the file has it: `Bearer ${TOKEN}`. Safe to show, the value is not. */
  readonly written: string;
  /** True when one placeholder is the whole scalar, so that its value may be a number or a boolean. */
  readonly whole: boolean;
};

export type Interpolation = {
  readonly scalars: ReadonlyMap<Scalar, Interpolated>;
  /** Scalars without a right value, because a placeholder has none. */
  readonly failed: ReadonlySet<Scalar>;
  /** Values from the environment and from files, with the placeholder that named them. */
  readonly secrets: readonly { readonly value: string; readonly written: string }[];
  /** Absolute paths of what `${file:…}` names, also of those that cannot be read. */
  readonly secretFiles: readonly string[];
  readonly problems: readonly TextProblem[];
};

/** `$${` is an escape; a placeholder ends at the first brace. */
const token = /\$\$\{|\$\{([^}]*)(\}?)/g;
const variable = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `${file:path}` in the scalars, in place. A default counts for an
 * unset and for an empty variable, as in a shell. What a variable or a file holds is not interpolated again.
 * @param options.folder what relative paths of files start from.
 */
export async function interpolate(
  texts: readonly Text[],
  options: { env: Environment; folder: string },
): Promise<Interpolation> {
  const scalars = new Map<Scalar, Interpolated>();
  const secrets: { value: string; written: string }[] = [];
  const problems: TextProblem[] = [];
  const failed = new Set<Scalar>();
  const files = new Map<string, Promise<Lookup>>();

  const readOnce = (path: string): Promise<Lookup> => {
    const file = resolve(options.folder, path);
    const known = files.get(file) ?? readSecret(file, path);
    files.set(file, known);
    return known;
  };

  for (const { scalar, path } of texts) {
    const written = scalar.value;
    if (!written.includes("${")) continue;
    let value = "";
    let end = 0;
    let replaced = 0;
    for (const match of written.matchAll(token)) {
      value += written.slice(end, match.index);
      end = match.index + match[0].length;
      if (match[0] === "$${") {
        value += "${";
        continue;
      }
      replaced += 1;
      const found = await lookUp(match[1] ?? "", match[2] === "}", { env: options.env, readOnce });
      if ("problem" in found) {
        problems.push({ offset: startOf(scalar), path, message: found.problem });
        failed.add(scalar);
      } else value += found.value;
      if ("secret" in found && found.value !== "") secrets.push({ value: found.value, written: match[0] });
    }
    value += written.slice(end);
    scalar.value = value;
    if (replaced > 0)
      scalars.set(scalar, { written, whole: replaced === 1 && /^\$\{[^}]*\}$/.test(written) });
  }
  return { scalars, failed, secrets, secretFiles: [...files.keys()], problems };
}

type Lookup = { readonly value: string; readonly secret?: true } | { readonly problem: string };
type Sources = { readonly env: Environment; readonly readOnce: (path: string) => Promise<Lookup> };

async function lookUp(inside: string, closed: boolean, sources: Sources): Promise<Lookup> {
  if (!closed) return { problem: "${ without its closing brace; a literal ${ is written $${" };
  if (inside.startsWith("file:")) {
    const path = inside.slice("file:".length);
    return path === "" ? { problem: "the file of a placeholder has no name" } : sources.readOnce(path);
  }
  const [, name, fallback] = variable.exec(inside) ?? [];
  if (name === undefined) {
    return {
      problem: `\${${inside}} is none of \${NAME}, \${NAME:-default}, \${file:path}; a literal \${ is written $\${`,
    };
  }
  if (fallback?.includes("${"))
    return { problem: `the default of \${${name}} holds another \${; a default is plain text` };
  const value = Object.hasOwn(sources.env, name) ? sources.env[name] : undefined;
  if (value !== undefined && (value !== "" || fallback === undefined)) return { value, secret: true };
  if (fallback !== undefined) return { value: fallback };
  return {
    problem: `the environment variable ${name} is not set; \${${name}:-} makes it empty when it is not`,
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

async function readSecret(file: string, named: string): Promise<Lookup> {
  try {
    const bytes = await readBounded(file, configLimits.secretFileBytes);
    return { value: utf8.decode(bytes).replace(/\r?\n$/, ""), secret: true };
  } catch (thrown) {
    const reason = thrown instanceof FileRefused ? thrown.message : "it is not UTF-8 text";
    return { problem: `${named} cannot be read: ${reason}` };
  }
}

/** A number or boolean that YAML makes of a plain scalar with this text; undefined for all else. */
export function plainScalar(text: string): number | boolean | undefined {
  if (text.length > 32) return undefined;
  const { contents } = parseDocument(text, { logLevel: "silent" });
  if (!isScalar(contents) || contents.source !== text) return undefined;
  const { value } = contents;
  return typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
    ? value
    : undefined;
}
