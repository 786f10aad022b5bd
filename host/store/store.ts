/** At once where the backend has it at hand, later where it must be fetched. */
export type Answer<T> = T | Promise<T>;

/** Whose state it is. No two namespaces are one, whatever the names are; a change of the YAML around a binding keeps its own. */
export type Namespace = {
  /** Null for the operator's. */
  readonly tenant: string | null;
  readonly plugin: string;
  /** Level, owner and id of the binding. */
  readonly binding: readonly (string | null)[];
};

/** Bytes by key. `ttlMs` is from now on; Infinity is for ever. */
export type Values = {
  /** Null where there is none. The bytes must not be changed. */
  get(key: string): Answer<Uint8Array | null>;
  /** @throws StoreRefused over a limit; nothing has changed then. */
  set(key: string, value: Uint8Array, ttlMs: number): Answer<void>;
  delete(key: string): Answer<void>;
};

/** Whole numbers by key, between -(2^53 - 1) and 2^53 - 1; a sum beyond stays at the end that it passed. */
export type Counters = {
  /** 0 where there is none. */
  get(key: string): Answer<number>;
  /**
   * The new value, in one step that nothing can come between. `ttlMs` is for a counter that this creates.
   * @throws StoreRefused over a limit; nothing has changed then.
   */
  add(key: string, by: number, ttlMs: number): Answer<number>;
  /**
   * Adds, in one step, if the new value is at most `most`, and answers it; else -1, and nothing has changed. What is below 0
   * counts as 0. `ttlMs` is from now on, whether this creates the counter or not.
   * @param by at least 1
   * @throws StoreRefused over a limit; nothing has changed then.
   */
  take(key: string, by: number, bounds: { readonly most: number; readonly ttlMs: number }): Answer<number>;
};

/**
 * What plugins keep. Keys are any well-formed text. One namespace is two things that know nothing of each other: values
 * and counters; asking for one again gives what it holds already. What has expired is not there any more.
 */
export type Store = {
  values(namespace: Namespace): Values;
  counters(namespace: Namespace): Counters;
  /** Resolves when everything is where it stays. */
  close(): Promise<void>;
};

/** What a caller asks for is over a limit, which the message names. */
export class StoreRefused extends Error {
  override readonly name = "StoreRefused";
}

/** The file of a store cannot be used; the message says which, why, and what to do. */
export class StoreUnusable extends Error {
  override readonly name = "StoreUnusable";
}

/** Goes on with an answer, at once if it is there. */
export function withAnswer<T, U>(answer: Answer<T>, next: (value: T) => U): Answer<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

/** One text for one namespace: in JSON no name can end early and become another's. */
export function namespaceKey({ tenant, plugin, binding }: Namespace): string {
  return JSON.stringify([tenant, plugin, binding]);
}

/** Makes a thing for each namespace when it is asked for first, and gives the same again. */
export function onceEach<T>(make: (namespace: Namespace) => T): (namespace: Namespace) => T {
  const made = new Map<string, T>();
  return (namespace) => {
    const key = namespaceKey(namespace);
    const known = made.get(key);
    if (known !== undefined) return known;
    const thing = make(namespace);
    made.set(key, thing);
    return thing;
  };
}
