import { randomFillSync } from "node:crypto";
import { callLimits } from "#host/limits.ts";
import type { GuestCall } from "./guest-call.ts";
import type { GuestFunction, GuestState } from "./guest-function.ts";
import type { LogLevel, LogLines } from "./log-lines.ts";
import type { ValType } from "./wasm/module.ts";
import { i32, i64 } from "./wasm/value-types.ts";

const errno = { success: 0, badf: 8, fault: 21, inval: 28, nosys: 52 } as const;

/** More would keep the event loop waiting for the system's generator. */
const randomBytes = 65_536;
const ioVectors = 1_024;
/** What looking at a vector costs, as if so many bytes were copied. */
const vectorBytes = 64;

type Run = GuestFunction["run"];

/** Bounds-checked writes into the plugin's memory; the addresses are the plugin's. */
function poke(state: GuestState, address: number, bytes: number, write: (view: DataView) => void): number {
  const piece = state.writable(address >>> 0, bytes);
  if (piece === null) return errno.fault;
  write(new DataView(piece.buffer, piece.byteOffset, bytes));
  return errno.success;
}

const pokeU32 = (state: GuestState, address: number, value: number) =>
  poke(state, address, 4, (view) => view.setUint32(0, value, true));
const pokeU64 = (state: GuestState, address: number, value: bigint) =>
  poke(state, address, 8, (view) => view.setBigUint64(0, value, true));

/** An empty list: no arguments, no environment. */
const noEntries: Run = (_call, state, count: number, size: number) =>
  pokeU32(state, count, 0) || pokeU32(state, size, 0);

const implemented: Readonly<Record<string, Run>> = {
  args_get: () => errno.success,
  args_sizes_get: noEntries,
  environ_get: () => errno.success,
  environ_sizes_get: noEntries,
  clock_res_get: (_call, state, _clock: number, result: number) => pokeU64(state, result, 1_000_000n),
  clock_time_get(call, state, clock: number, _precision: bigint, result: number) {
    if (clock !== 0 && clock !== 1) return errno.inval;
    return pokeU64(state, result, BigInt(call.clockMs) * 1_000_000n);
  },
  fd_close: () => errno.badf,
  // A C library asks for preopened folders until it hears EBADF; anything else makes it exit.
  fd_prestat_get: () => errno.badf,
  fd_write: writeLog,
  random_get(call, state, address: number, length: number) {
    const bytes = length >>> 0;
    if (bytes > randomBytes) return errno.inval;
    if (!call.pay(8 * bytes)) return errno.nosys;
    const piece = state.writable(address >>> 0, bytes);
    if (piece === null) return errno.fault;
    if (bytes > 0) randomFillSync(piece);
    return errno.success;
  },
  sched_yield: () => errno.success,
  proc_exit: (call, _state, code: number) =>
    call.end({ outcome: "trap", error: `proc_exit(${code}): a plugin cannot exit` }),
};

const utf8 = new TextDecoder();

/** stdout and stderr become log lines, one per line of text. */
function writeLog(
  call: GuestCall,
  state: GuestState,
  file: number,
  vectors: number,
  count: number,
  result: number,
): number {
  if (file !== 1 && file !== 2) return errno.badf;
  const memory = state.memory();
  const at = vectors >>> 0;
  if (count >>> 0 > ioVectors) return errno.inval;
  if (at + 8 * count > memory.length) return errno.fault;
  if (!call.pay(count * vectorBytes)) return errno.nosys;
  const view = new DataView(memory.buffer, at, 8 * count);
  const pieces: Uint8Array[] = [];
  let room: number = call.lines.hasRoom() ? callLimits.logBytes : 0;
  let total = 0;
  for (let index = 0; index < count; index++) {
    const from = view.getUint32(8 * index, true);
    const length = view.getUint32(8 * index + 4, true);
    if (from + length > memory.length) return errno.fault;
    total += length;
    if (total > memory.length) return errno.inval;
    // What the log has no room for is not even read.
    const kept = Math.min(length, room);
    if (kept === 0) continue;
    room -= kept;
    pieces.push(memory.subarray(from, from + kept));
  }
  const bytes = Buffer.concat(pieces);
  if (!call.pay(bytes.length)) return errno.nosys;
  if (total > 0) writeLines(call.lines, file === 1 ? "info" : "error", utf8.decode(bytes));
  return pokeU32(state, result, total);
}

/** One line of log per line of text, empty ones too: so every write uses the log's room up. */
function writeLines(lines: LogLines, level: LogLevel, text: string): void {
  let from = 0;
  do {
    const end = text.indexOf("\n", from);
    lines.write(level, text.slice(from, end < 0 ? text.length : end));
    from = end < 0 ? text.length : end + 1;
  } while (from < text.length && lines.hasRoom());
  if (from < text.length) lines.write(level, "");
}

// biome-ignore format: a table reads best in columns
/** Parameters by name: `i` is i32, `I` is i64. All answer an errno, except proc_exit. */
const parameters = {
  args_get: "ii", args_sizes_get: "ii", environ_get: "ii", environ_sizes_get: "ii",
  clock_res_get: "ii", clock_time_get: "iIi",
  fd_advise: "iIIi", fd_allocate: "iII", fd_close: "i", fd_datasync: "i", fd_fdstat_get: "ii",
  fd_fdstat_set_flags: "ii", fd_fdstat_set_rights: "iII", fd_filestat_get: "ii", fd_filestat_set_size: "iI",
  fd_filestat_set_times: "iIIi", fd_pread: "iiiIi", fd_prestat_get: "ii", fd_prestat_dir_name: "iii",
  fd_pwrite: "iiiIi", fd_read: "iiii", fd_readdir: "iiiIi", fd_renumber: "ii", fd_seek: "iIii", fd_sync: "i",
  fd_tell: "ii", fd_write: "iiii",
  path_create_directory: "iii", path_filestat_get: "iiiii", path_filestat_set_times: "iiiiIIi",
  path_link: "iiiiiii", path_open: "iiiiiIIii", path_readlink: "iiiiii", path_remove_directory: "iii",
  path_rename: "iiiiii", path_symlink: "iiiii", path_unlink_file: "iii",
  poll_oneoff: "iiii", proc_exit: "i", proc_raise: "i", sched_yield: "", random_get: "ii",
  sock_accept: "iii", sock_recv: "iiiiii", sock_send: "iiiii", sock_shutdown: "ii",
} as const;

/**
 * `wasi_snapshot_preview1` for modules whose runtime imports it (Rust, Go, C, the official JavaScript PDK).
 * There is no file system, no clock that moves during a call and no exit: what a language's start-up
 * needs is answered, stdout and stderr go to the log, everything else is ENOSYS.
 * Types and numbers: WebAssembly/WASI, legacy/preview1/witx.
 */
export const wasiFunctions: Readonly<Record<string, GuestFunction>> = Object.fromEntries(
  Object.entries(parameters).map(([name, letters]) => [
    name,
    {
      params: Array.from(letters, (letter): ValType => (letter === "I" ? i64 : i32)),
      results: name === "proc_exit" ? [] : [i32],
      run: implemented[name] ?? (() => errno.nosys),
    },
  ]),
);
