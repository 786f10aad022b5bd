import { definePlugin } from "@sandgate/plugin-sdk";
import type { FromSchema } from "@sandgate/plugin-sdk/abi/from-schema";
import { bodyPatch, bodySchema, compileBody } from "./body.ts";
import { compileHeaders, headerEffects, headersSchema } from "./headers.ts";

const configSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    request: {
      type: "object",
      description: "What to change of the request before it is sent",
      additionalProperties: false,
      properties: { headers: headersSchema, body: bodySchema },
    },
    response: {
      type: "object",
      description: "What to change of the answer",
      additionalProperties: false,
      properties: { headers: headersSchema },
    },
  },
} as const;

/** Set by `configure`. */
let rules = compile({}, []);

export default definePlugin({
  name: "request-transform",
  version: "1.0.0",
  description: "Sets, adds and removes headers and members of the JSON body.",
  category: "transformation",
  hooks: {
    pre_request: {
      reads: ["request.headers", "request.body"],
      writes: ["request.headers", "request.body"],
    },
    post_request: { at: "headers", reads: ["response.headers"], writes: ["response.headers"] },
  },
  configSchema,

  configure(config) {
    const problems: string[] = [];
    rules = compile(config, problems);
    if (problems.length > 0) throw new Error(problems.join("; "));
  },

  preRequest({ request }, host) {
    const patch = bodyPatch(rules.body, request.body);
    const headers = headerEffects("request", rules.requestHeaders, {
      present: request.headers,
      warn: (message) => host.log.warn(message),
    });
    // Headers last: a new body comes with a content-type, and a rule may want another.
    return patch.length === 0 ? headers : [{ type: "patch-body", on: "request", patch }, ...headers];
  },

  postRequest({ response }, host) {
    return headerEffects("response", rules.responseHeaders, {
      present: response.headers,
      warn: (message) => host.log.warn(message),
    });
  },
});

function compile({ request = {}, response = {} }: FromSchema<typeof configSchema>, problems: string[]) {
  return {
    requestHeaders: compileHeaders("request", request.headers ?? {}, problems),
    body: compileBody(request.body ?? {}, problems),
    responseHeaders: compileHeaders("response", response.headers ?? {}, problems),
  };
}
