import type { ConfigProblem } from "#config/schema.ts";
import { suggest } from "#config/suggest.ts";
import { stageHooks } from "#sdk/abi/hooks.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import type { Binding } from "./binding.ts";

/**
 * Bindings of plugins that are not loaded, disabled ones included: with a misspelled name they would remove
 * nothing. And plugins whose manifest declares what no plan can run, each at its first binding.
 */
export function findPluginProblems(
  bindings: Iterable<Binding>,
  manifests: ReadonlyMap<string, Manifest>,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const hints = new Map<string, string | undefined>();
  const checked = new Set<string>();
  for (const { plugin, path: binding, enabled } of bindings) {
    const path = [...binding, "plugin"];
    const manifest = manifests.get(plugin);
    if (manifest === undefined) {
      if (!hints.has(plugin)) hints.set(plugin, suggest(plugin, manifests.keys()));
      const hint = hints.get(plugin);
      const message = `there is no plugin "${plugin}"`;
      problems.push(hint === undefined ? { path, message } : { path, message, hint });
    } else if (enabled && !checked.has(plugin)) {
      checked.add(plugin);
      problems.push(...impossibleHooks(manifest).map((message) => ({ path, message })));
    }
  }
  return problems;
}

/** What the manifest's schema cannot say: rules between a hook, when it runs and what it writes. */
function impossibleHooks(manifest: Manifest): string[] {
  return stageHooks.flatMap((hook) => {
    const { at, writes = [] } = manifest.hooks[hook] ?? {};
    const its = `the manifest of "${manifest.name}" says that ${hook}`;
    const messages: string[] = [];
    if (hook !== "pre_request" && writes.includes("identify")) {
      messages.push(`${its} writes identify, which only pre_request can`);
    }
    if (at === "completion" && hook !== "post_request") {
      messages.push(`${its} runs at completion, which only post_request can`);
    }
    const late = writes.filter((field) => field !== "tags");
    if (at === "completion" && hook === "post_request" && late.length > 0) {
      messages.push(
        `${its} runs at completion and writes ${late.join(", ")}: the answer has ended, only tags can be written`,
      );
    }
    return messages;
  });
}
