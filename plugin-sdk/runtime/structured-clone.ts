import { deserialize, serialize } from "@ungap/structured-clone";

/** What cannot be cloned throws a DataCloneError, as in HTML; nothing can be transferred. */
export function structuredCloneGlobal<Value>(value: Value, options?: { transfer?: unknown[] }): Value {
  if (options?.transfer !== undefined && options.transfer.length > 0)
    throw new DOMException("structuredClone: a plugin has nobody to transfer to", "DataCloneError");
  return deserialize(serializedOf(value));
}

function serializedOf(value: unknown): ReturnType<typeof serialize> {
  try {
    return serialize(value);
  } catch (thrown) {
    if (thrown instanceof TypeError && thrown.message.startsWith(refusal))
      throw new DOMException(thrown.message, "DataCloneError");
    throw thrown;
  }
}

/** How the library says that it has no form for a value. */
const refusal = "unable to serialize ";
