import type { Facts } from "#host/resolve/when.ts";
import { credentialHeaders } from "../credentials.ts";
import { bodyModel, type Exchange } from "../exchange.ts";

/** What conditions of bindings look at. No credential is among it. */
export function factsOf({ id, request, consumer, groups, tags }: Exchange): Facts {
  const { method, path, body } = request;
  const open = Object.entries(request.headers).filter(([name]) => !credentialHeaders.has(name));
  return {
    requestId: id,
    method,
    path,
    headers: Object.fromEntries(open),
    model: () => bodyModel(body),
    consumer,
    groups,
    tags,
  };
}
