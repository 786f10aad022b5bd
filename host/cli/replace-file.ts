import { rename, rm, writeFile } from "node:fs/promises";

/** Writes a file in one step: a gateway that watches the folder never sees half of it, and a failure leaves the old one. */
export async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
