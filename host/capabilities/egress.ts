import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { Agent } from "undici";
import { egressLimits, processLimits } from "#host/limits.ts";

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
  const isHost = url !== null && url.port === "9" && !/[@/?#\\*\s]/.test(host) && isPort(port ?? "1");
  if (!isHost || (wildcard && (port !== null || isAddress(url.hostname)))) throw new InvalidGrant(text);
  return { host: url.hostname, wildcard, port };
}

/** As URLs write it: `0443` would never match. */
function isPort(text: string): boolean {
  return /^[1-9]\d*$/.test(text) && Number(text) <= 65_535;
}

function covers({ host, wildcard, port }: Entry, url: URL): boolean {
  const defaultPort = url.protocol === "https:" ? "443" : "80";
  if ((url.port || defaultPort) !== (port ?? defaultPort)) return false;
  return wildcard ? url.hostname.endsWith(`.${host}`) : url.hostname === host;
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}

/**
 * True for an address of the public internet: not private, loopback, link-local, shared, mapped, translated
 * or reserved. In IPv6 only 2000::/3 is given out; the rest is unicast by its bits alone, also `::a.b.c.d`.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || ((parsed as ipaddr.IPv6).parts[0] ?? 0) >> 13 === 1;
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

/** Connections that the calls of one binding share: those to public addresses, and those that its grant names by port. */
export type Egress = { agent(privateAllowed: boolean): Agent };

/**
 * Each binding has its own: what one plugin does to a connection, another never meets. And each has two agents,
 * because a kept connection is not checked again: one that an entry with a port opened to a private address
 * must never serve an entry without. The environment's proxy is not used.
 */
export function createEgress(): Egress {
  const options = {
    // To one host. Calls that send several at once to it wait for a free one, and the time of each request runs meanwhile.
    connections: processLimits.instancesPerBinding,
    headersTimeout: egressLimits.timeoutMs,
    bodyTimeout: egressLimits.timeoutMs,
    maxResponseSize: egressLimits.responseBytes,
    // One exchange per connection: an abort hits no other request.
    allowH2: false,
    pipelining: 1,
  };
  const connect = { timeout: egressLimits.timeoutMs };
  const toPublic = new Agent({ ...options, connect: { ...connect, lookup: lookupPublic } });
  const toNamed = new Agent({ ...options, connect });
  return { agent: (privateAllowed) => (privateAllowed ? toNamed : toPublic) };
}
