/** Why a module may not run here. */
export type RejectionCode =
  /** The bytes are no WebAssembly module, or V8 finds them invalid. */
  | "malformed"
  /** It needs a WebAssembly feature outside the allow-list. */
  | "unsupported"
  /** It is larger than a limit; `limit` says which. */
  | "limit"
  /** It imports what does not exist for it. */
  | "import"
  /** It uses a name that belongs to the host. */
  | "reserved"
  /** Its manifest is wrong or does not fit the module. */
  | "manifest";

/** The limit that a module is over, by its name in host/limits.ts. */
export type ExceededLimit = { readonly name: string; readonly max: number; readonly value: number };

/** A module that never runs. The message is for its author: what is wrong and where. */
export class Rejected extends Error {
  readonly code: RejectionCode;
  readonly limit: ExceededLimit | undefined;

  constructor(code: RejectionCode, message: string, limit?: ExceededLimit) {
    super(message);
    this.name = "Rejected";
    this.code = code;
    this.limit = limit;
  }
}

const shownLength = 100;

/** A name or text out of a module as a message may carry it: a name may be as long as the module. */
export function shown(name: string, longest = shownLength): string {
  return name.length <= longest ? name : `${name.slice(0, longest)}…`;
}

/** Throws Rejected when `value` is over the limit; `what` names the thing that has too many or too much. */
export function requireWithin(limit: ExceededLimit, what: string): void {
  const { name, max, value } = limit;
  if (value > max) throw new Rejected("limit", `${what}: ${value} is over the limit ${name} = ${max}`, limit);
}
