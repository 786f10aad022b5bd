import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Why a file was not read. The message fits after the file's name and a colon. */
export class FileRefused extends Error {
  readonly code: "missing" | "unreadable" | "not-a-file" | "too-large" | "changing";

  constructor(code: FileRefused["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "FileRefused";
    this.code = code;
  }
}

/** A file that is still being written after so many readings is refused. */
const attempts = 3;

/**
 * The bytes of a regular file of at most `maxBytes`. The size is checked before anything is read. A file that
 * changes meanwhile is read again. A device, a pipe or a folder is refused without waiting for it.
 * @param options.followLinks false refuses a symbolic link as the last part of the path.
 * @throws {FileRefused}
 */
export async function readBounded(
  file: string,
  maxBytes: number,
  options: { followLinks: boolean } = { followLinks: true },
): Promise<Buffer> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const bytes = await readOnce(file, maxBytes, options.followLinks);
    if (bytes !== undefined) return bytes;
  }
  throw new FileRefused("changing", "it changes while it is read");
}

/** Undefined when the file changed between opening and the last byte. */
async function readOnce(file: string, maxBytes: number, followLinks: boolean): Promise<Buffer | undefined> {
  const handle = await openToRead(file, followLinks);
  try {
    const before = await statusOf(handle);
    if (before.size > maxBytes) {
      throw new FileRefused("too-large", `it has ${before.size} bytes, the limit is ${maxBytes}`);
    }
    const bytes = await readAtMost(handle, Number(before.size) + 1);
    const after = await statusOf(handle);
    const same = after.mtimeNs === before.mtimeNs && after.size === before.size;
    return same && BigInt(bytes.length) === before.size ? bytes : undefined;
  } catch (thrown) {
    throw thrown instanceof FileRefused ? thrown : refusal(thrown);
  } finally {
    await handle.close();
  }
}

async function openToRead(file: string, followLinks: boolean): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a named pipe waits for a writer.
  const flags =
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (followLinks ? 0 : (constants.O_NOFOLLOW ?? 0));
  try {
    return await open(file, flags);
  } catch (thrown) {
    throw refusal(thrown);
  }
}

async function statusOf(handle: FileHandle): Promise<{ size: bigint; mtimeNs: bigint }> {
  const status = await handle.stat({ bigint: true });
  if (status.isDirectory()) throw new FileRefused("not-a-file", "it is a folder");
  if (!status.isFile()) throw new FileRefused("not-a-file", "it is not a regular file");
  return status;
}

async function readAtMost(handle: FileHandle, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

const reasons: Readonly<Record<string, { code: FileRefused["code"]; message: string }>> = {
  ENOENT: { code: "missing", message: "no such file" },
  ENOTDIR: { code: "missing", message: "no such file" },
  EACCES: { code: "unreadable", message: "permission denied" },
  EPERM: { code: "unreadable", message: "permission denied" },
  ELOOP: { code: "not-a-file", message: "it is a symbolic link, or a chain of too many" },
  EISDIR: { code: "not-a-file", message: "it is a folder" },
  ENXIO: { code: "not-a-file", message: "it is not a regular file" },
};

function refusal(thrown: unknown): FileRefused {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "unknown error";
  const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  return new FileRefused(
    known?.code ?? "unreadable",
    known?.message ?? `the system answered ${code}`,
    thrown,
  );
}
