import type { ConfigProblem, WhenConfig } from "#config/schema.ts";
import type { Manifest } from "#sdk/abi/manifest.ts";
import { type Binding, everyBinding, type Layers } from "./binding.ts";
import { isAuthenticator } from "./identify.ts";
import { unmatchableHeaders, unmatchablePaths } from "./unmatchable.ts";

/** Conditions of bindings that no request could meet. What depends on route and consumer is only explained. */
export function findImpossibleConditions(
  layers: Layers,
  manifests: ReadonlyMap<string, Manifest>,
): ConfigProblem[] {
  const bindings = [...everyBinding(layers)];
  const authenticatorOf = ({ plugin }: Binding) => {
    const manifest = manifests.get(plugin);
    return manifest !== undefined && isAuthenticator(manifest) ? manifest : null;
  };
  const isTaggedEarly = bindings.some((binding) =>
    authenticatorOf(binding)?.hooks.pre_request?.writes?.includes("tags"),
  );
  return bindings.flatMap((binding) => {
    const { when } = binding.declared;
    if (when === undefined) return [];
    const at = [...binding.path, "when"];
    const early = authenticatorOf(binding) === null ? [] : unknownEarly(when, isTaggedEarly);
    return [
      ...unmatchablePaths(when.paths ?? [], [...at, "paths"]),
      ...unmatchableHeaders(when.headers ?? {}, [...at, "headers"]),
      ...early.map(({ member, message }) => ({ path: [...at, member], message })),
      ...otherConsumer(binding, when),
    ];
  });
}

/** What nobody knows while an authenticator runs. */
function unknownEarly(when: WhenConfig, isTaggedEarly: boolean): { member: string; message: string }[] {
  const who = "never holds: the plugin finds out who is calling, so this is not known before it has run";
  const tags = "never holds: the plugin finds out who is calling, and nothing that runs before it sets tags";
  return [
    ...(when.consumers === undefined ? [] : [{ member: "consumers", message: who }]),
    ...(when.groups === undefined ? [] : [{ member: "groups", message: who }]),
    ...(when.tags === undefined || isTaggedEarly ? [] : [{ member: "tags", message: tags }]),
  ];
}

function otherConsumer({ level, owner, path }: Binding, { consumers }: WhenConfig): ConfigProblem[] {
  if (level !== "consumer" || owner === null || consumers === undefined || consumers.includes(owner))
    return [];
  const message = `never holds: this binding is of the consumer "${owner}" alone`;
  return [{ path: [...path, "when", "consumers"], message }];
}
