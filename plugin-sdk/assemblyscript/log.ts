// Lines in the gateway's log.

import { blockOf } from "./blocks";

@external("extism:host/env", "log_trace")
declare function logTrace(text: u64): void;
@external("extism:host/env", "log_debug")
declare function logDebug(text: u64): void;
@external("extism:host/env", "log_info")
declare function logInfo(text: u64): void;
@external("extism:host/env", "log_warn")
declare function logWarn(text: u64): void;
@external("extism:host/env", "log_error")
declare function logError(text: u64): void;

export function trace(message: string): void {
  logTrace(blockOf(message));
}

export function debug(message: string): void {
  logDebug(blockOf(message));
}

export function info(message: string): void {
  logInfo(blockOf(message));
}

export function warn(message: string): void {
  logWarn(blockOf(message));
}

export function error(message: string): void {
  logError(blockOf(message));
}
