type Of<Value> = Readonly<Record<string, Value>>;

/**
 * Changes of records that others may hold: the first change of one copies it, those after it change the copy in place. A thousand
 * changes would else be a thousand copies.
 */
export type RecordDrafts = {
  set<Value>(record: Of<Value>, name: string, value: Value): Of<Value>;
  remove<Value>(record: Of<Value>, name: string): Of<Value>;
};

/** For changes at a stretch: what they answer last is nobody's to change any more. */
export function createRecordDrafts(): RecordDrafts {
  const own = new WeakSet<object>();

  function draftOf<Value>(record: Of<Value>): Record<string, Value> {
    if (own.has(record)) return record as Record<string, Value>;
    const hasPrototype = Object.getPrototypeOf(record) !== null;
    const copy = hasPrototype ? { ...record } : Object.assign(Object.create(null), record);
    own.add(copy);
    return copy;
  }

  return {
    set(record, name, value) {
      const draft = draftOf(record);
      // An assignment to `__proto__` would make no member.
      Object.defineProperty(draft, name, { value, writable: true, enumerable: true, configurable: true });
      return draft;
    },
    remove(record, name) {
      const draft = draftOf(record);
      delete draft[name];
      return draft;
    },
  };
}
