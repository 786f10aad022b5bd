import { scratchAt, seedAt, seededAt, textNoRandom } from "../layout";
import { random_get } from "./host";
import { JS_GetUint8Array, JS_NewNumber, jsException, jsUndefined } from "./quickjs";
import { throwText } from "./values";

/** Fills a Uint8Array from the host's source. */
export function randomBytes(ctx: u32, value: u64): u64 {
  const bytes = JS_GetUint8Array(ctx, scratchAt, value);
  const size = load<u32>(scratchAt);
  if (bytes == 0 && size != 0) return jsException;
  return random_get(bytes, size) == 0 ? jsUndefined : throwText(ctx, textNoRandom);
}

/**
 * The next number of Math.random: xorshift128+ (Vigna 2014), seeded from the host once per call. A host call per
 * number would use up a call's budget of them.
 */
export function randomNumber(ctx: u32): u64 {
  if (load<u32>(seededAt) == 0) {
    if (random_get(seedAt, 16) != 0) return throwText(ctx, textNoRandom);
    store<u64>(seedAt, load<u64>(seedAt) | 1);
    store<u32>(seededAt, 1);
  }
  let a = load<u64>(seedAt);
  const b = load<u64>(seedAt + 8);
  store<u64>(seedAt, b);
  a ^= a << 23;
  a ^= (a >> 17) ^ b ^ (b >> 26);
  store<u64>(seedAt + 8, a);
  return JS_NewNumber(ctx, f64((a + b) >> 11) * (1.0 / 9007199254740992.0));
}
