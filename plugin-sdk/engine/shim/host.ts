// What the finished module imports, where its code uses it. "wasi" becomes wasi_snapshot_preview1 in the end; QuickJS's
// own imports of that name lead to system.ts. "slot" is what the compiler fills.

@external("extism:host/env", "alloc")
export declare function alloc(length: u64): u64;
@external("extism:host/env", "length")
export declare function length(offset: u64): u64;
@external("extism:host/env", "load_u8")
export declare function load_u8(offset: u64): u32;
@external("extism:host/env", "load_u64")
export declare function load_u64(offset: u64): u64;
@external("extism:host/env", "store_u8")
export declare function store_u8(offset: u64, value: u32): void;
@external("extism:host/env", "store_u64")
export declare function store_u64(offset: u64, value: u64): void;
@external("extism:host/env", "input_length")
export declare function input_length(): u64;
@external("extism:host/env", "input_load_u8")
export declare function input_load_u8(offset: u64): u32;
@external("extism:host/env", "input_load_u64")
export declare function input_load_u64(offset: u64): u64;
@external("extism:host/env", "output_set")
export declare function output_set(offset: u64, length: u64): void;
@external("extism:host/env", "error_set")
export declare function error_set(offset: u64): void;
@external("extism:host/env", "config_get")
export declare function config_get(key: u64): u64;
@external("extism:host/env", "var_get")
export declare function var_get(key: u64): u64;
@external("extism:host/env", "var_set")
export declare function var_set(key: u64, value: u64): void;
@external("extism:host/env", "log_trace")
export declare function log_trace(text: u64): void;
@external("extism:host/env", "log_debug")
export declare function log_debug(text: u64): void;
@external("extism:host/env", "log_info")
export declare function log_info(text: u64): void;
@external("extism:host/env", "log_warn")
export declare function log_warn(text: u64): void;
@external("extism:host/env", "log_error")
export declare function log_error(text: u64): void;
@external("extism:host/env", "http_request")
export declare function http_request(request: u64, body: u64): u64;
@external("extism:host/env", "http_status_code")
export declare function http_status_code(): i32;
@external("extism:host/env", "http_headers")
export declare function http_headers(): u64;

/** Calls function `index` of `extism:host/user`; arguments that it does not take are dropped. */
@external("slot", "user_call")
export declare function user_call(index: i32, a: u64, b: u64, c: u64, d: u64): u64;
/** Nanoseconds since 1970 by pointer: 0, or an errno where the plugin has no clock. */
@external("wasi", "clock_time_get")
export declare function clock_time_get(clock: i32, precision: u64, timeOut: u32): i32;
/** Fills bytes from a real source: 0, or an errno. */
@external("wasi", "random_get")
export declare function random_get(at: u32, size: u32): i32;
/** Not 0 ends the code that runs, while the plugin is compiled. */
@external("slot", "interrupt")
export declare function interrupt(): i32;
/** A log line while the plugin is compiled. */
@external("slot", "note")
export declare function note(level: i32, at: u32, length: u32): void;
