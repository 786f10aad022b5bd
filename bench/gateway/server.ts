import { mkdtemp, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fastify from "fastify";
import { Pool } from "undici";
import { start } from "#host/main.ts";
import { createLog } from "#host/observe/log.ts";
import { compilePlugin } from "#sdk/compile/compile-plugin.ts";

/** What a process of the bench serves: a bare hop, or a gateway with so many plugins. */
export type Served =
  | { readonly kind: "hop"; readonly upstream: string }
  | {
      readonly kind: "gateway";
      readonly upstream: string;
      readonly plugins: number;
      readonly state: "instance" | "request";
    };

/** The least that passes a JSON request on: parse, send, answer. */
async function serveHop(upstream: string): Promise<number> {
  const pool = new Pool(upstream, { connections: 64 });
  const server = fastify();
  server.post("/v1/chat/completions", async (request, reply) => {
    const answer = await pool.request({
      method: "POST",
      path: "/v1/chat/completions",
      headers: { "content-type": "application/json", authorization: "Bearer sk-upstream" },
      body: JSON.stringify(request.body),
    });
    reply.code(answer.statusCode).header("content-type", answer.headers["content-type"]);
    return reply.send(answer.body);
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  return (server.server.address() as AddressInfo).port;
}

/** A plugin that reads one header and asks for nothing. */
const source = `import { definePlugin } from "@sandgate/plugin-sdk";
let seen = 0;
export default definePlugin({
  name: "reads-header",
  version: "1.0.0",
  hooks: { pre_request: { reads: ["request.headers.x-team"] } },
  preRequest({ request }) {
    if (request.headers["x-team"] === "search") seen += 1;
  },
});
`;

async function serveGateway({
  upstream,
  plugins,
  state,
}: Extract<Served, { kind: "gateway" }>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "sandgate-bench-"));
  await writeFile(join(folder, "plugin.ts"), source);
  const { wasm } = await compilePlugin(join(folder, "plugin.ts"));
  await writeFile(join(folder, "reads-header.wasm"), wasm);
  const use = Array.from({ length: plugins }, (_, order) => ({
    plugin: "reads-header",
    id: `reader-${order}`,
    order,
    state,
  }));
  const config = {
    listen: { port: 0 },
    // A load that ends in the middle of its requests is no news.
    log: { level: "error" },
    plugins: { folders: [folder], watch: false },
    gateway: { use },
    services: { fake: { provider: "openai", targets: [{ url: `${upstream}/v1`, key: "sk-upstream" }] } },
    routes: { all: { match: { paths: ["/v1/*"] }, service: "fake" } },
  };
  const file = join(folder, "gateway.yaml");
  await writeFile(file, JSON.stringify(config));
  const { url } = await start({ file, env: {}, log: createLog("error") });
  return Number(new URL(url).port);
}

const served = JSON.parse(process.argv[2] ?? "{}") as Served;
const port = served.kind === "hop" ? await serveHop(served.upstream) : await serveGateway(served);
process.send?.({ port });
