/** Bytes that may be held, as a part of a larger budget or on its own. */
export type Budget = {
  /** Null when they are taken, else the limit that stands in the way, as text. */
  take(bytes: number): string | null;
  give(bytes: number): void;
};

/** @param what names it in the text of a refusal: `the tenant has 134217728 bytes already; ...` */
export function createBudget(what: string, limit: number, parent?: Budget): Budget {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > limit) return `${what} has ${used} bytes of ${limit}, and this takes ${bytes}`;
      const refusal = parent?.take(bytes) ?? null;
      if (refusal === null) used += bytes;
      return refusal;
    },
    give(bytes) {
      used -= bytes;
      parent?.give(bytes);
    },
  };
}
