import { createHash, timingSafeEqual } from "node:crypto";

/** How long it takes says nothing of how much is alike. */
export function isSameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(digest(given), digest(secret));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
