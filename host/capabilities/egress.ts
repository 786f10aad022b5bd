import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Agent } from "undici";
import { egressLimits } from "#host/limits.ts";

/**
 * Which hosts a plugin may call. Entries of a grant:
 * - `api.example.com`: this host on port 443 (https) or 80 (http);
 * - `*.example.com`: every host below it, not itself;
 * - `api.example.com:8443`, `127.0.0.1:9000`, `[::1]:9000`: this host on this port, also when its address is
 *   private, loopback or link-local. Naming host and port is how an operator says that he means it;
 *   an entry without a port, or with a wildcard, never leads to such an address.
 */
export type EgressGrant = {
  /** Null when the grant has no entry for this URL. */
  match(url: URL): { readonly privateAllowed: boolean } | null;
};

/** A grant entry that is no host. */
export class InvalidGrant extends Error {
  constructor(entry: string) {
    super(`"${entry}" is not a host: write api.example.com, *.example.com or host:port`);
    this.name = "InvalidGrant";
  }
}

type Entry = { readonly host: string; readonly wildcard: boolean; readonly port: string | null };

/** @throws InvalidGrant */
export function parseGrant(list: readonly string[]): EgressGrant {
  const entries = list.map(parseEntry);
  return {
    match(url) {
      const found = entries.filter((entry) => covers(entry, url));
      return found.length === 0 ? null : { privateAllowed: found.some(({ port }) => port !== null) };
    },
  };
}

function parseEntry(text: string): Entry {
  const wildcard = text.startsWith("*.");
  const rest = wildcard ? text.slice(2) : text;
  const port = /:(\d{1,5})$/.exec(rest)?.[1] ?? null;
  const host = port === null ? rest : rest.slice(0, -port.length - 1);
  // The URL parser decides what a host is and how it is written: IDN, hex and octal addresses, case.
  const url = URL.parse(`http://${host}:9/`);
  const isHost = url !== null && url.port === "9" && !/[@/?#\\*\s]/.test(host) && Number(port ?? 1) <= 65_535;
  if (!isHost || (wildcard && (port !== null || isAddress(url.hostname)))) throw new InvalidGrant(text);
  return { host: url.hostname, wildcard, port };
}

function covers({ host, wildcard, port }: Entry, url: URL): boolean {
  const defaultPort = url.protocol === "https:" ? "443" : "80";
  if ((url.port || defaultPort) !== (port ?? defaultPort)) return false;
  return wildcard ? url.hostname.endsWith(`.${host}`) : url.hostname === host;
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}

/** True for an address of the public internet: not private, loopback, link-local, shared, mapped, translated or reserved. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  // ::a.b.c.d, the deprecated form of an IPv4 address in IPv6, is unicast by its bits.
  return parsed.kind() === "ipv4" || (parsed as ipaddr.IPv6).parts.slice(0, 6).some((part) => part !== 0);
}

/** The literal address that a URL names, without brackets; null for a name. */
export function literalAddress(url: URL): string | null {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? null : host;
}

/**
 * Resolves once and hands on public addresses only, so the address that was checked is the one that is
 * connected to and a second answer of the name server changes nothing.
 */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const addresses = error === null ? found.filter(({ address }) => isPublicAddress(address)) : [];
    const [first] = addresses;
    if (error !== null) return callback(error, "", 0);
    if (first === undefined) return callback(new Error(`${hostname} has no public address`), "", 0);
    if (options.all) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
};

/** Of all plugins together: enough that one that keeps its own busy does not hold up the others. */
const connectionsPerOrigin = 64;

/** Connections that plugins share: those to public addresses, and those that a grant names by host and port. */
export type Egress = { agent(privateAllowed: boolean): Agent };

/**
 * Two agents, because a kept connection is not checked again: one that a plugin with a wider grant opened to a
 * private address must never serve one with a narrower grant. The environment's proxy is not used.
 */
export function createEgress(): Egress {
  const options = {
    connections: connectionsPerOrigin,
    headersTimeout: egressLimits.timeoutMs,
    bodyTimeout: egressLimits.timeoutMs,
    maxResponseSize: egressLimits.responseBytes,
    pipelining: 1,
  };
  const connect = { timeout: egressLimits.timeoutMs };
  const toPublic = new Agent({ ...options, connect: { ...connect, lookup: lookupPublic } });
  const toNamed = new Agent({ ...options, connect });
  return { agent: (privateAllowed) => (privateAllowed ? toNamed : toPublic) };
}
