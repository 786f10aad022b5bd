import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { sheddingLimits } from "#host/limits.ts";

/** Whether the event loop is late all the time, not because of one long piece of work. */
export type LoopDelay = { readonly isHigh: boolean };

const windowMs = 1_000;

/** Looks at the median of the time since it was last asked, of at least a second. */
export function watchLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  let since = performance.now();
  let isHigh = false;
  return {
    get isHigh() {
      const now = performance.now();
      if (now - since >= windowMs) {
        isHigh = delays.percentile(50) / 1_000_000 >= sheddingLimits.loopDelayMs;
        delays.reset();
        since = now;
      }
      return isHigh;
    },
  };
}

/** One per process, as its event loop. */
export const processLoopDelay = watchLoopDelay();
