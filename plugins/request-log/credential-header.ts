/**
 * Whether a header of this name may hold a credential: those of HTTP and of the providers, and names that say so,
 * such as `x-auth-token` or `x-amz-security-token`. Rather one too many than one too few.
 */
export function credentialHeader(name: string): boolean {
  return /authori[sz]ation|cookie|token|secret|passw|credential|signature|assertion|api[-_]?key|access[-_]?key|(^|[-_])(auth|key|jwt|bearer|sid|session|csrf|xsrf)([-_]|$)/i.test(
    name,
  );
}
