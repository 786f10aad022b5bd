// Promises that were rejected while nobody waited for them. Somebody may still come until the call has ended.

import { argumentsAt, formatterAt, rejectionsAt, scratchAt, textRejected } from "../layout";
import { put } from "./blocks";
import { log_warn } from "./host";
import {
  JS_Call,
  JS_FreeCString,
  JS_FreeValue,
  JS_GetException,
  JS_ToCStringLen2,
  free,
  isException,
  jsUndefined,
  malloc,
  qjs_free_value,
} from "./quickjs";
import { textAt, textLength } from "./values";

/** Offsets in a node of the list; the values are pointers to JSValues. */
const nextIn: u32 = 0;
const promiseIn: u32 = 4;
const reasonIn: u32 = 8;
const nodeBytes: u32 = 12;

export function remember(promise: u32, reason: u32): void {
  const node = malloc(nodeBytes);
  if (node == 0) {
    qjs_free_value(promise);
    qjs_free_value(reason);
    return;
  }
  store<u32>(node + nextIn, load<u32>(rejectionsAt));
  store<u32>(node + promiseIn, promise);
  store<u32>(node + reasonIn, reason);
  store<u32>(rejectionsAt, node);
}

export function forget(promise: u64): void {
  let link: u32 = rejectionsAt;
  for (let node = load<u32>(link); node != 0; node = load<u32>(link)) {
    if (load<u64>(load<u32>(node + promiseIn)) == promise) {
      store<u32>(link, load<u32>(node + nextIn));
      return drop(node);
    }
    link = node + nextIn;
  }
}

function drop(node: u32): void {
  qjs_free_value(load<u32>(node + promiseIn));
  qjs_free_value(load<u32>(node + reasonIn));
  free(node);
}

/** A warning for each, in the order in which they were rejected; `result` is what the call itself reports. */
export function reportRejections(ctx: u32, result: u64): void {
  let reversed: u32 = 0;
  for (let node = take(); node != 0; ) {
    const next = load<u32>(node + nextIn);
    store<u32>(node + nextIn, reversed);
    reversed = node;
    node = next;
  }
  for (let node = reversed; node != 0; ) {
    const next = load<u32>(node + nextIn);
    if (load<u64>(load<u32>(node + promiseIn)) != result) warn(ctx, load<u32>(node + reasonIn));
    drop(node);
    node = next;
  }
  // To describe an error runs code of the plugin, which must not make this go on for ever.
  for (let node = take(); node != 0; ) {
    const next = load<u32>(node + nextIn);
    drop(node);
    node = next;
  }
}

function take(): u32 {
  const first = load<u32>(rejectionsAt);
  store<u32>(rejectionsAt, 0);
  return first;
}

function warn(ctx: u32, reason: u32): void {
  store<u64>(argumentsAt, load<u64>(reason));
  const text = JS_Call(ctx, load<u64>(formatterAt), jsUndefined, 1, argumentsAt);
  const at = isException(text) ? 0 : JS_ToCStringLen2(ctx, scratchAt, text, 0);
  const size = load<u32>(scratchAt);
  JS_FreeValue(ctx, text);
  if (at == 0) return JS_FreeValue(ctx, JS_GetException(ctx));
  const prefix = textAt(textRejected);
  const prefixSize = textLength(prefix);
  const line = malloc(prefixSize + size);
  if (line != 0) {
    memory.copy(line, prefix, prefixSize);
    memory.copy(line + prefixSize, at, size);
    const block = put(line, prefixSize + size);
    if (block != 0) log_warn(block);
    free(line);
  }
  JS_FreeCString(ctx, at);
}
