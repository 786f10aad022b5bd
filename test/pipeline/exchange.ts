import type { Exchange, ResponsePart } from "#host/exchange.ts";
import { type Given as GivenRequest, exchangeOf as requestOf } from "#sdk/testing/given.ts";

/** A request as the pipeline meets it. What is not given is absent; the answer's body may be of any kind. */
export type Given = Omit<GivenRequest, "body" | "error" | "response"> & {
  readonly body?: string;
  readonly response?: Partial<ResponsePart>;
} & Partial<Pick<Exchange, "error" | "id">>;

export function exchangeOf({ response, error, id, ...given }: Given): Exchange {
  const exchange = requestOf(given);
  if (response !== undefined) {
    exchange.response = { status: 200, headers: {}, body: { kind: "none" }, ...response };
  }
  return Object.assign(exchange, error === undefined ? {} : { error }, id === undefined ? {} : { id });
}
