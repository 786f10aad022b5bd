const unitsMs: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000 };

/** `90s`, `1m`, `24h`. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * (unitsMs[text.slice(-1)] ?? 0);
}

/** As OpenAI writes it in `x-ratelimit-reset-*`: `250ms`, `12s`, `6m0s`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  const seconds = Math.ceil(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
