export { dispatch } from "./dispatch";
export { invoke } from "./invoke";
export {
  clock_time_get,
  fd_close,
  fd_fdstat_get,
  fd_seek,
  fd_write,
  host_call,
  host_get_timezone_offset,
  host_interrupt,
  host_module_load,
  host_module_normalize,
  host_promise_rejection,
  random_get,
} from "./system";
