/**
 * Stands for the package `tr46` in a plugin: the tables by which it maps names in other scripts are larger than all else
 * that a plugin consists of. whatwg-url asks it for nothing but such names.
 */
export function toASCII(domain: string): never {
  throw new TypeError(`Invalid URL: the host ${domain} is not ASCII; a plugin has to write its xn-- form`);
}
