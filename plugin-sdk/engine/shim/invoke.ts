import {
  argumentsAt,
  contextAt,
  exportsAt,
  formatterAt,
  inCallAt,
  runtimeAt,
  scratchAt,
  seededAt,
  textFailed,
  textPending,
  textPoisoned,
} from "../layout";
import { put } from "./blocks";
import { error_set } from "./host";
import {
  JS_Call,
  JS_ExecutePendingJob,
  JS_FreeCString,
  JS_FreeValue,
  JS_GetException,
  JS_GetPropertyUint32,
  JS_IsPromise,
  JS_PromiseResult,
  JS_PromiseState,
  JS_ToCStringLen2,
  JS_ToInt32,
  JS_UpdateStackTop,
  isDouble,
  isException,
  isInt,
  jsUndefined,
} from "./quickjs";
import { reportRejections } from "./rejections";
import { textAt, textLength } from "./values";

const pending = 0;
const rejected = 2;

/** Runs export `index` of the plugin to its end, promises included. 0, or what the function returned as a number. */
export function invoke(index: u32): i32 {
  if (load<u32>(inCallAt) != 0) return failWith(textPoisoned);
  store<u32>(inCallAt, 1);
  store<u32>(seededAt, 0);
  const ctx = load<u32>(contextAt);
  // The limit of the stack counts from here, not from where the last call began.
  JS_UpdateStackTop(load<u32>(runtimeAt));
  const target = JS_GetPropertyUint32(ctx, load<u64>(exportsAt), index);
  const result = JS_Call(ctx, target, jsUndefined, 0, 0);
  JS_FreeValue(ctx, target);
  const code = settle(ctx, result);
  store<u32>(inCallAt, 0);
  return code;
}

function settle(ctx: u32, result: u64): i32 {
  let code = isException(result) ? fail(ctx, JS_GetException(ctx)) : 0;
  const rt = load<u32>(runtimeAt);
  for (;;) {
    const ran = JS_ExecutePendingJob(rt, scratchAt);
    if (ran == 0) break;
    if (ran < 0) code = fail(ctx, JS_GetException(ctx));
  }
  reportRejections(ctx, result);
  if (code != 0) return code;
  if (JS_IsPromise(result) == 0) return codeOf(ctx, result);
  const state = JS_PromiseState(ctx, result);
  if (state == pending) code = failWith(textPending);
  else {
    const settled = JS_PromiseResult(ctx, result);
    code = state == rejected ? fail(ctx, settled) : codeOf(ctx, settled);
  }
  JS_FreeValue(ctx, result);
  return code;
}

function codeOf(ctx: u32, value: u64): i32 {
  if (isInt(value)) return i32(value);
  if (isDouble(value)) {
    JS_ToInt32(ctx, scratchAt, value);
    return load<i32>(scratchAt);
  }
  JS_FreeValue(ctx, value);
  return 0;
}

/** Sets what was thrown as the error of the call. */
function fail(ctx: u32, reason: u64): i32 {
  store<u64>(argumentsAt, reason);
  const text = JS_Call(ctx, load<u64>(formatterAt), jsUndefined, 1, argumentsAt);
  JS_FreeValue(ctx, reason);
  if (isException(text)) {
    JS_FreeValue(ctx, JS_GetException(ctx));
    return failWith(textFailed);
  }
  const at = JS_ToCStringLen2(ctx, scratchAt, text, 0);
  JS_FreeValue(ctx, text);
  if (at == 0) {
    JS_FreeValue(ctx, JS_GetException(ctx));
    return failWith(textFailed);
  }
  error_set(put(at, load<u32>(scratchAt)));
  JS_FreeCString(ctx, at);
  return 1;
}

function failWith(text: u32): i32 {
  const at = textAt(text);
  error_set(put(at, textLength(at)));
  return 1;
}
