/** All of a body of at most `limit` bytes; of a longer one the same chunks, to be read on. */
export async function gather(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  const reader = body[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let read = await reader.next(); read.done !== true; read = await reader.next()) {
    chunks.push(read.value);
    length += read.value.length;
    if (length > limit) return readOn(chunks, reader);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length);
}

async function* readOn(chunks: Uint8Array[], reader: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks.splice(0);
    for (let read = await reader.next(); read.done !== true; read = await reader.next()) yield read.value;
  } finally {
    await reader.return?.();
  }
}
