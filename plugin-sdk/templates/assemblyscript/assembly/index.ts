import { addAt, patchRequestBody, refuse } from "@sandgate/plugin-sdk/assemblyscript/effects";
import { effects, input } from "@sandgate/plugin-sdk/assemblyscript/hook";

let most: i64 = 0;

/** Runs once per binding. Every call starts with what it left. */
export function configure(): i32 {
  most = input().get("max").integer();
  return 0;
}

/** A request without a limit gets the binding's, one with a higher limit is refused. */
export function pre_request(): i32 {
  const wanted = input().get("request").get("body").get("max_tokens");
  if (!wanted.exists) return effects([patchRequestBody([addAt("/max_tokens", most.toString())])]);
  if (wanted.isNumber && wanted.number() <= <f64>most) return effects([]);
  return effects([refuse(400, `max_tokens must be a number up to ${most}`, "too_many_tokens")]);
}
