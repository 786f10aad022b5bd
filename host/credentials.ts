/** Headers that hold what somebody proves themselves with: a key of the gateway's consumer, or a browser's cookies. */
export const credentialHeaders: ReadonlySet<string> = new Set([
  "api-key",
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key",
]);

/** Gemini's clients may put their key into the query, and others do the same under names of their own. */
const credentialParameters = new Set(["access_token", "api-key", "api_key", "key", "oauth_token"]);

/** Whether the value of a query parameter of this name, decoded, is a credential. */
export function isCredentialParameter(name: string): boolean {
  return credentialParameters.has(name.toLowerCase());
}
