// Capability `secrets`. A plugin never holds a secret itself.

/** What stands for the secret in a header of `http.request`, or as a key of `crypto`. */
export function reference(name: string): string {
  return "{{secret:" + name + "}}";
}
