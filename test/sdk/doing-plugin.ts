/** A plugin that does what the header x-do says. It may be bound with the grants that a test is about. */
export const doingSource = `import { definePlugin } from "@sandgate/plugin-sdk";

export default definePlugin({
  name: "doing",
  version: "1.0.0",
  capabilities: ["http", "secrets", "metrics"],
  hooks: {
    pre_request: {
      reads: ["request.path", "request.headers", "request.body", "context.consumer"],
      writes: ["request.headers", "request.body", "respond", "tags"],
    },
    post_request: { reads: ["response", "context.tags"], writes: ["response.headers"] },
    error: { reads: ["error"], writes: ["respond"] },
  },
  configSchema: {
    type: "object",
    additionalProperties: false,
    properties: { team: { type: "string" }, limit: { type: "integer", minimum: 1 } },
  },

  configure({ team }) {
    if (team === "none") throw new Error("there is no such team");
  },

  preRequest({ request, context }, host): any {
    const [what, rest = ""] = (request.headers["x-do"] ?? "").split(" ");
    switch (what) {
      case "input": return { type: "tag", name: "input", value: JSON.stringify({ request, context }) };
      case "time": return { type: "tag", name: "now", value: String(host.now()) };
      case "patch": return { type: "patch-body", on: "request", patch: [{ op: "add", path: "/model", value: "small" }] };
      case "header": return { type: "set-header", on: "request", name: rest, value: host.config.team ?? "" };
      case "refuse": return { type: "respond", status: 403, error: { message: "no", code: "refused" } };
      case "path": return { type: "set-path", path: "/elsewhere" };
      case "throw": throw new Error("thrown on purpose");
      case "loop": for (;;) {}
      case "measure": return host.metrics.count("calls", 2, { team: "a" });
      case "say": return host.log.warn("said", { team: rest });
      case "send": {
        const { status, body, headers } = host.http.request({
          url: rest,
          method: "POST",
          headers: { Authorization: "Bearer " + host.secrets.reference("token") },
          body: JSON.stringify({ ask: 1 }),
        });
        return { type: "tag", name: "answer", value: [status, headers["content-type"], body].join(" ") };
      }
    }
  },
  postRequest({ response }, host) {
    return { type: "set-header", on: "response", name: "x-was", value: response.status + " " + JSON.stringify(response.body) };
  },
  error({ error }) {
    return { type: "respond", status: error.status, body: error.code + ": " + error.message };
  },
});
`;

/** Keeps a count, a text and a cached one for each path, a minute long. */
export const countingSource = `import { definePlugin } from "@sandgate/plugin-sdk";

export default definePlugin({
  name: "counting",
  version: "1.0.0",
  capabilities: ["kv", "counters", "cache"],
  hooks: { pre_request: { reads: ["request.path"], writes: ["tags"] } },
  preRequest({ request }, host) {
    const before = host.kv.get(request.path) ?? "never";
    host.kv.set(request.path, String(host.now()), { ttlMs: 60_000 });
    const count = host.counters.add(request.path, 1, { ttlMs: 60_000 });
    const cached = host.cache.get(request.path) ?? "none";
    host.cache.set(request.path, "some", { ttlMs: 60_000 });
    return Object.entries({ count: String(count), before, cached }).map(([name, value]) => ({ type: "tag", name, value }));
  },
});
`;
