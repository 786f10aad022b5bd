import type { TestGateway } from "#test/harness.ts";
import { watPlugin } from "#test/wat-plugin.ts";

export const chat = { model: "mock", messages: [{ role: "user", content: "Hello" }] };

/**
 * The plugin `stamp`: every answer that went through it has the version in `x-stamp`.
 * @param configure instructions to start with; the result is 0 when it may start.
 */
export function stamp(version: number, configure = "(i32.const 0)"): Uint8Array {
  return watPlugin(
    {
      name: "stamp",
      version: `${version}.0.0`,
      hooks: { post_request: { writes: ["response.headers"] } },
    },
    {
      post_request: [{ type: "set-header", on: "response", name: "x-stamp", value: String(version) }],
      configure,
    },
  );
}

/** A config with or without a binding of `stamp`. */
export function stampConfig(bound: boolean): object {
  return {
    gateway: { use: bound ? [{ plugin: "stamp" }] : [] },
    services: { mock: { provider: "mock" } },
    routes: { chat: { match: { paths: ["/v1/*"] }, service: "mock" } },
  };
}

/** Status and stamp of a request that begins now. */
export async function askStamp(gateway: TestGateway): Promise<string> {
  const answer = await gateway.post("/v1/chat/completions", chat);
  await answer.arrayBuffer();
  return `${answer.status} ${answer.headers.get("x-stamp")}`;
}

export type Refused = {
  readonly config: readonly string[];
  readonly plugins: readonly { readonly file: string; readonly reason: string; readonly kept?: string }[];
};

/** What `/readyz` says is not in service as it is. */
export async function askRefused(gateway: TestGateway): Promise<Refused> {
  const answer = await gateway.fetch("/readyz");
  const { refused } = (await answer.json()) as { refused: Refused };
  return refused;
}
