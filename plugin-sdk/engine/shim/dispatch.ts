// The one C function behind every function that JavaScript takes from the engine.

import {
  exportsAt,
  formatterAt,
  metadataAt,
  opBlockBytes,
  opBlockLength,
  opBlockOf,
  opClock,
  opConfigGet,
  opDecodeUtf8,
  opEncodeUtf8,
  opFinish,
  opFirstFunction,
  opFirstHost,
  opFirstNumber,
  opHttpHeaders,
  opHttpRequest,
  opHttpStatus,
  opInputBytes,
  opInputJson,
  opInputText,
  opIsUtf8,
  opLog,
  opObtain,
  opOutputBytes,
  opOutputJson,
  opOutputText,
  opRandomBytes,
  opRandomNumber,
  opVarGet,
  opVarSet,
  scratchAt,
  textName,
  textNotJson,
  textNotNow,
  usedFunctionsAt,
  usedOperationsAt,
} from "../layout";
import { fetchInput, inputSize } from "./blocks";
import {
  alloc,
  config_get,
  http_headers,
  http_request,
  http_status_code,
  log_debug,
  log_error,
  log_info,
  log_trace,
  log_warn,
  note,
  output_set,
  user_call,
  var_get,
  var_set,
} from "./host";
import {
  JS_DupValue,
  JS_FreeCString,
  JS_FreeValue,
  JS_GetUint8Array,
  JS_JSONStringify,
  JS_NewCFunction2,
  JS_NewNumber,
  JS_NewStringLen,
  JS_NewUint8ArrayCopy,
  JS_ParseJSON,
  JS_ToCStringLen2,
  isException,
  isInt,
  isNull,
  isString,
  isUndefined,
  js_free,
  js_malloc,
  jsBool,
  jsException,
  jsNull,
  jsUndefined,
} from "./quickjs";
import { randomBytes, randomNumber } from "./random";
import { isUtf8, repair, repairedTimes } from "./utf8";
import {
  failed,
  isReady,
  noMemory,
  numberOf,
  putArgument,
  putBytes,
  putText,
  takeBytes,
  takeText,
  textAt,
  throwText,
} from "./values";
import { length } from "./host";

const genericMagic = 1;

/** `int` of JSCFunctionMagic: arguments beyond `argc` do not exist. */
function argument(argc: i32, argv: u32, index: i32): u64 {
  return index < argc ? load<u64>(argv + u32(index) * 8) : jsUndefined;
}

/** Where `dispatch` stands in the table, once the modules are linked. */
@external("slot", "dispatch_index")
declare function dispatch_index(): u32;

export function dispatch(ctx: u32, self: u64, argc: i32, argv: u32, magic: i32): u64 {
  if (magic >= opFirstHost && !isReady()) return throwText(ctx, textNotNow);
  const first = argument(argc, argv, 0);
  if (magic >= opFirstFunction) return callFunction(ctx, magic, argc, argv);
  switch (magic) {
    case opInputJson:
      return inputJson(ctx);
    case opOutputJson:
      return outputJson(ctx, first);
    case opLog:
      return log(ctx, i32(first), argument(argc, argv, 1));
    case opInputText:
      return inputText(ctx);
    case opInputBytes:
      return inputBytes(ctx);
    case opOutputText:
      return output(putText(ctx, first));
    case opOutputBytes:
      return output(putBytes(ctx, first));
    case opConfigGet: {
      const key = putText(ctx, first);
      return key == failed ? jsException : takeText(ctx, config_get(key));
    }
    case opVarGet: {
      const key = putText(ctx, first);
      return key == failed ? jsException : takeBytes(ctx, var_get(key));
    }
    case opVarSet:
      return setVar(ctx, first, argument(argc, argv, 1));
    case opHttpRequest: {
      const request = putText(ctx, first);
      if (request == failed) return jsException;
      const body = putArgument(ctx, argument(argc, argv, 1));
      return body == failed ? jsException : takeText(ctx, http_request(request, body));
    }
    case opHttpStatus:
      return u64(u32(http_status_code()));
    case opHttpHeaders:
      return takeText(ctx, http_headers());
    case opRandomBytes:
      return randomBytes(ctx, first);
    case opRandomNumber:
      return randomNumber(ctx);
    case opBlockOf: {
      const block = isString(first) ? putText(ctx, first) : putBytes(ctx, first);
      return block == failed ? jsException : JS_NewNumber(ctx, f64(block));
    }
    case opBlockBytes:
      return takeBytes(ctx, numberOf(ctx, first));
    case opBlockLength:
      return JS_NewNumber(ctx, f64(length(numberOf(ctx, first))));
    case opEncodeUtf8:
      return encodeUtf8(ctx, first);
    case opDecodeUtf8:
      return decodeUtf8(ctx, first, false);
    case opIsUtf8:
      return decodeUtf8(ctx, first, true);
    case opObtain:
      return obtain(ctx, i32(first));
    case opFinish:
      return finish(ctx, argc, argv);
    default:
      return jsUndefined;
  }
}

/** Gives an operation out as a function, and notes it: only what is noted is imported in the end. */
function obtain(ctx: u32, operation: i32): u64 {
  if (isReady()) return throwText(ctx, textNotNow);
  const isFunction = operation >= opFirstFunction;
  const at = isFunction ? usedFunctionsAt : usedOperationsAt;
  const first = operation >= opFirstNumber ? opFirstNumber : opFirstFunction;
  const bit = u64(isFunction ? operation - first : operation);
  store<u64>(at, load<u64>(at) | (u64(1) << bit));
  if (operation == opClock) return jsUndefined;
  return JS_NewCFunction2(ctx, dispatch_index(), textAt(textName), 0, genericMagic, operation);
}

/** The bundle hands over its exports, its error formatter and what it says about itself. */
function finish(ctx: u32, argc: i32, argv: u32): u64 {
  if (isReady()) return throwText(ctx, textNotNow);
  store<u64>(exportsAt, JS_DupValue(ctx, argument(argc, argv, 0)));
  store<u64>(formatterAt, JS_DupValue(ctx, argument(argc, argv, 1)));
  store<u64>(metadataAt, JS_DupValue(ctx, argument(argc, argv, 2)));
  return jsUndefined;
}

function inputJson(ctx: u32): u64 {
  const size = inputSize();
  const bytes = fetchInput(ctx, size);
  if (bytes == 0) return noMemory(ctx);
  // The engine's parser needs the NUL that fetchInput puts behind the bytes.
  const value = JS_ParseJSON(ctx, bytes, size, textAt(textName));
  js_free(ctx, bytes);
  return value;
}

function inputText(ctx: u32): u64 {
  const size = inputSize();
  const bytes = fetchInput(ctx, size);
  if (bytes == 0) return noMemory(ctx);
  const value = JS_NewStringLen(ctx, bytes, size);
  js_free(ctx, bytes);
  return value;
}

function inputBytes(ctx: u32): u64 {
  const size = inputSize();
  const bytes = fetchInput(ctx, size);
  if (bytes == 0) return noMemory(ctx);
  const value = JS_NewUint8ArrayCopy(ctx, bytes, size);
  js_free(ctx, bytes);
  return value;
}

function output(block: u64): u64 {
  if (block == failed) return jsException;
  // Nothing is put out from a block too: the kernel takes no offset outside of one.
  if (block == 0) output_set(alloc(1), 0);
  else output_set(block, length(block));
  return jsUndefined;
}

function outputJson(ctx: u32, value: u64): u64 {
  const text = JS_JSONStringify(ctx, value, jsUndefined, jsUndefined);
  if (isException(text)) return text;
  if (isUndefined(text)) return throwText(ctx, textNotJson);
  const answer = output(putText(ctx, text));
  JS_FreeValue(ctx, text);
  return answer;
}

function setVar(ctx: u32, name: u64, value: u64): u64 {
  const key = putText(ctx, name);
  if (key == failed) return jsException;
  const block = isNull(value) ? 0 : putBytes(ctx, value);
  if (block == failed) return jsException;
  var_set(key, block);
  return jsUndefined;
}

function log(ctx: u32, level: i32, text: u64): u64 {
  if (!isReady()) {
    const at = JS_ToCStringLen2(ctx, scratchAt, text, 0);
    if (at == 0) return jsException;
    note(level, at, load<u32>(scratchAt));
    JS_FreeCString(ctx, at);
    return jsUndefined;
  }
  const block = putText(ctx, text);
  if (block == failed) return jsException;
  switch (level) {
    case 0:
      log_trace(block);
      break;
    case 1:
      log_debug(block);
      break;
    case 2:
      log_info(block);
      break;
    case 3:
      log_warn(block);
      break;
    default:
      log_error(block);
  }
  return jsUndefined;
}

/** Up to four arguments, each a number or a block. */
function callFunction(ctx: u32, magic: i32, argc: i32, argv: u32): u64 {
  const isNumber = magic >= opFirstNumber;
  const index = magic - (isNumber ? opFirstNumber : opFirstFunction);
  const a = putArgument(ctx, argument(argc, argv, 0));
  if (a == failed) return jsException;
  const b = putArgument(ctx, argument(argc, argv, 1));
  if (b == failed) return jsException;
  const c = putArgument(ctx, argument(argc, argv, 2));
  if (c == failed) return jsException;
  const d = putArgument(ctx, argument(argc, argv, 3));
  if (d == failed) return jsException;
  const result = user_call(index, a, b, c, d);
  return isNumber ? JS_NewNumber(ctx, f64(i64(result))) : takeText(ctx, result);
}

function encodeUtf8(ctx: u32, text: u64): u64 {
  const at = JS_ToCStringLen2(ctx, scratchAt, text, 0);
  if (at == 0) return jsException;
  const value = JS_NewUint8ArrayCopy(ctx, at, load<u32>(scratchAt));
  JS_FreeCString(ctx, at);
  return value;
}

function decodeUtf8(ctx: u32, bytes: u64, onlyCheck: bool): u64 {
  const at = JS_GetUint8Array(ctx, scratchAt, bytes);
  const size = load<u32>(scratchAt);
  if (at == 0 && size != 0) return jsException;
  const isWhole = isUtf8(at, size);
  if (onlyCheck) return jsBool(isWhole);
  if (isWhole) return JS_NewStringLen(ctx, at, size);
  // The engine itself would put one U+FFFD for each byte.
  const repaired = js_malloc(ctx, size * repairedTimes);
  if (repaired == 0) return jsException;
  const value = JS_NewStringLen(ctx, repaired, repair(at, size, repaired));
  js_free(ctx, repaired);
  return value;
}
