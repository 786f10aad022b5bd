// The C functions of QuickJS that the shim calls. A JSValue is 64 bits with its tag in the upper half.

@external("quickjs", "JS_Call")
export declare function JS_Call(ctx: u32, fn: u64, self: u64, argc: i32, argv: u32): u64;
@external("quickjs", "JS_DupValue")
export declare function JS_DupValue(ctx: u32, value: u64): u64;
@external("quickjs", "JS_ExecutePendingJob")
export declare function JS_ExecutePendingJob(rt: u32, ctxOut: u32): i32;
@external("quickjs", "JS_FreeCString")
export declare function JS_FreeCString(ctx: u32, text: u32): void;
@external("quickjs", "JS_FreeValue")
export declare function JS_FreeValue(ctx: u32, value: u64): void;
@external("quickjs", "JS_GetException")
export declare function JS_GetException(ctx: u32): u64;
@external("quickjs", "JS_GetPropertyUint32")
export declare function JS_GetPropertyUint32(ctx: u32, object: u64, index: u32): u64;
@external("quickjs", "JS_GetUint8Array")
export declare function JS_GetUint8Array(ctx: u32, sizeOut: u32, value: u64): u32;
@external("quickjs", "JS_IsPromise")
export declare function JS_IsPromise(value: u64): i32;
@external("quickjs", "JS_JSONStringify")
export declare function JS_JSONStringify(ctx: u32, value: u64, replacer: u64, space: u64): u64;
@external("quickjs", "JS_NewCFunction2")
export declare function JS_NewCFunction2(ctx: u32, fn: u32, name: u32, length: i32, proto: i32, magic: i32): u64;
@external("quickjs", "JS_NewNumber")
export declare function JS_NewNumber(ctx: u32, value: f64): u64;
@external("quickjs", "JS_NewStringLen")
export declare function JS_NewStringLen(ctx: u32, text: u32, length: u32): u64;
@external("quickjs", "JS_NewUint8ArrayCopy")
export declare function JS_NewUint8ArrayCopy(ctx: u32, bytes: u32, length: u32): u64;
@external("quickjs", "JS_ParseJSON")
export declare function JS_ParseJSON(ctx: u32, text: u32, length: u32, fileName: u32): u64;
@external("quickjs", "JS_PromiseResult")
export declare function JS_PromiseResult(ctx: u32, promise: u64): u64;
@external("quickjs", "JS_PromiseState")
export declare function JS_PromiseState(ctx: u32, promise: u64): i32;
@external("quickjs", "JS_ThrowOutOfMemory")
export declare function JS_ThrowOutOfMemory(ctx: u32): u64;
@external("quickjs", "JS_ThrowPlainError")
export declare function JS_ThrowPlainError(ctx: u32, format: u32, variadic: u32): u64;
@external("quickjs", "JS_ToCStringLen2")
export declare function JS_ToCStringLen2(ctx: u32, lengthOut: u32, value: u64, cesu8: i32): u32;
@external("quickjs", "JS_ToInt32")
export declare function JS_ToInt32(ctx: u32, intOut: u32, value: u64): i32;
/** Truncates; what is not finite is 0. */
@external("quickjs", "JS_ToInt64")
export declare function JS_ToInt64(ctx: u32, longOut: u32, value: u64): i32;
@external("quickjs", "JS_UpdateStackTop")
export declare function JS_UpdateStackTop(rt: u32): void;
@external("quickjs", "js_free")
export declare function js_free(ctx: u32, block: u32): void;
@external("quickjs", "js_malloc")
export declare function js_malloc(ctx: u32, length: u32): u32;
/** Never throws, as js_malloc does. */
@external("quickjs", "malloc")
export declare function malloc(length: u32): u32;
@external("quickjs", "free")
export declare function free(block: u32): void;
/** Frees a value and the block that it lies in. */
@external("quickjs", "qjs_free_value")
export declare function qjs_free_value(value: u32): void;

const tagBool: u64 = 1;
const tagNull: u64 = 2;
const tagUndefined: u64 = 3;
const tagException: u64 = 6;

export const jsUndefined: u64 = tagUndefined << 32;
export const jsNull: u64 = tagNull << 32;
export const jsException: u64 = tagException << 32;

export function jsBool(value: bool): u64 {
  return (tagBool << 32) | u64(value);
}

export function isException(value: u64): bool {
  return value >> 32 == tagException;
}

export function isUndefined(value: u64): bool {
  return value >> 32 == tagUndefined;
}

export function isNull(value: u64): bool {
  return value >> 32 == tagNull;
}

const tagString: i32 = -7;
const tagStringRope: i32 = -6;

/** Also one that is still in the parts it was put together from. */
export function isString(value: u64): bool {
  const tag = i32(value >> 32);
  return tag == tagString || tag == tagStringRope;
}

/** Tags of all other values are -9 to 7; what is past them is a double, shifted (JS_TAG_IS_FLOAT64 of quickjs.h). */
export function isDouble(value: u64): bool {
  return u32(value >> 32) + 9 >= 17;
}

/** An int in its boxed form; its tag is 0. */
export function isInt(value: u64): bool {
  return value >> 32 == 0;
}
