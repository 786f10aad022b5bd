// The twelve functions that QuickJS imports from its own host and from WASI.

import { clock_time_get as host_clock, interrupt } from "./host";
import { qjs_free_value } from "./quickjs";
import { forget, remember } from "./rejections";

const success = 0;
const badf = 8;

export function host_interrupt(): i32 {
  return interrupt();
}

/** Every plugin lives in UTC. */
export function host_get_timezone_offset(high: i32, low: i32): i32 {
  return 0;
}

/** Twice for a promise that somebody waits for after it was rejected. Both values are ours to free. */
export function host_promise_rejection(promise: u32, reason: u32, isHandled: i32): void {
  if (isHandled == 0) return remember(promise, reason);
  forget(load<u64>(promise));
  qjs_free_value(promise);
  qjs_free_value(reason);
}

export function host_module_normalize(base: u32, name: u32): u32 {
  return 0;
}

export function host_module_load(name: u32, lengthOut: u32): u32 {
  return 0;
}

export function host_call(name: u32, size: i32, self: u32, argc: i32, argv: u32): u32 {
  return 0;
}

export function clock_time_get(clock: i32, precision: u64, timeOut: u32): i32 {
  if (host_clock(clock, precision, timeOut) != success) store<u64>(timeOut, 0);
  return success;
}

export function fd_close(fd: i32): i32 {
  return badf;
}

export function fd_fdstat_get(fd: i32, statOut: u32): i32 {
  return badf;
}

export function fd_seek(fd: i32, offset: i64, whence: i32, offsetOut: u32): i32 {
  return badf;
}

/** The engine writes only when it is about to abort. */
export function fd_write(fd: i32, vectors: u32, count: i32, writtenOut: u32): i32 {
  return badf;
}

/** Only the C library asks, at start-up, for a stack guard: a snapshot must not depend on chance. */
export function random_get(at: u32, size: u32): i32 {
  memory.fill(at, 0, size);
  return success;
}
