import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import {
  createEgress,
  InvalidGrant,
  isPublicAddress,
  literalAddress,
  parseGrant,
} from "#host/capabilities/egress.ts";

for (const [entry, url, privateAllowed] of [
  ["api.example.com", "https://api.example.com/x", false],
  ["api.example.com", "http://api.example.com/x", false],
  ["api.example.com", "https://API.Example.COM:443/x", false],
  ["API.example.com", "https://api.example.com/x", false],
  ["api.example.com", "https://api.example.com:8443/", null],
  ["api.example.com", "https://api.example.com./", null],
  ["api.example.com", "https://example.com/", null],
  ["api.example.com", "https://x.api.example.com/", null],
  ["api.example.com", "https://api.example.com.evil.com/", null],
  ["api.example.com", "https://evilapi.example.com/", null],
  ["*.example.com", "https://api.example.com/", false],
  ["*.example.com", "https://a.b.example.com/", false],
  ["*.example.com", "https://example.com/", null],
  ["*.example.com", "https://evilexample.com/", null],
  ["*.example.com", "https://api.example.com:8443/", null],
  ["*.example.com", "https://api.example.com./", null],
  ["api.example.com:8443", "https://api.example.com:8443/", true],
  ["api.example.com:8443", "http://api.example.com:8443/", true],
  ["api.example.com:8443", "https://api.example.com/", null],
  ["api.example.com:443", "https://api.example.com/", true],
  ["api.example.com:443", "http://api.example.com/", null],
  ["127.0.0.1:9000", "http://127.0.0.1:9000/", true],
  ["127.0.0.1:9000", "http://2130706433:9000/", true],
  ["0x7f.1:9000", "http://127.0.0.1:9000/", true],
  ["127.0.0.1:9000", "http://localhost:9000/", null],
  ["[::1]:9000", "http://[::1]:9000/", true],
  ["[::1]:9000", "http://[0:0::1]:9000/", true],
  ["[::1]", "http://[::1]/", false],
  ["bücher.example", "https://xn--bcher-kva.example/", false],
  ["xn--bcher-kva.example", "https://BÜCHER.example/", false],
  ["my_host", "http://my_host/", false],
] as const) {
  test(`the grant ${entry} and ${url}: ${privateAllowed === null ? "refused" : `private ${privateAllowed}`}`, () => {
    const match = parseGrant([entry]).match(new URL(url));
    assert.deepEqual(match, privateAllowed === null ? null : { privateAllowed });
  });
}

test("the widest entry that fits decides", () => {
  const grant = parseGrant(["api.example.com", "*.example.com", "api.example.com:443"]);
  assert.deepEqual(grant.match(new URL("https://api.example.com/")), { privateAllowed: true });
  assert.deepEqual(grant.match(new URL("https://b.example.com/")), { privateAllowed: false });
  assert.equal(parseGrant([]).match(new URL("https://api.example.com/")), null);
});

for (const entry of [
  "",
  "*",
  "*.",
  "*.*.example.com",
  "a.*.example.com",
  "*.example.com:443",
  "*.1",
  "*.0.0.1",
  "https://api.example.com",
  "api.example.com/path",
  "api.example.com?x",
  "api.example.com#x",
  "user@api.example.com",
  "api example.com",
  "api.example.com:0",
  "api.example.com:0443",
  "api.example.com:65536",
  "api.example.com:99999",
  "api.example.com:https",
  "api.example.com:",
  "::1",
  "::1:9000",
  "[::1",
  "[fe80::1%25eth0]:80",
  "a\\b",
  "exa\nmple.com",
  "1.2.3.4.5:80",
]) {
  test(`no grant: ${JSON.stringify(entry)}`, () => {
    assert.throws(() => parseGrant(["ok.example.com", entry]), InvalidGrant);
  });
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry, with multicast and what is reserved. */
const special = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  special.addSubnet(network, prefix);
}

/** Any address, and those around the borders of the special blocks. */
const ipv4 = fc.oneof(
  fc.ipV4(),
  fc
    .tuple(
      fc.constantFrom(0, 9, 10, 11, 100, 127, 128, 169, 172, 192, 198, 203, 223, 224, 255),
      fc.constantFrom(0, 15, 16, 18, 19, 20, 31, 32, 51, 52, 63, 64, 88, 127, 128, 168, 175, 254),
      fc.constantFrom(0, 1, 2, 48, 99, 100, 113, 193, 196),
      fc.nat(255),
    )
    .map((parts) => parts.join(".")),
);

test("an IPv4 address is public unless the registry of special addresses has it", () => {
  fc.assert(
    fc.property(ipv4, (address) => assert.equal(isPublicAddress(address), !special.check(address), address)),
    { numRuns: 2_000 },
  );
});

test("no way of writing a special IPv4 address into IPv6 makes it public", () => {
  fc.assert(
    fc.property(ipv4, (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      assert.equal(isPublicAddress(`::ffff:${address}`), !special.check(address));
      for (const hidden of [
        `::${hex}`,
        `::ffff:0:${hex}`,
        `64:ff9b::${hex}`,
        `64:ff9b:1::${hex}`,
        `2002:${hex}::1`,
        `2001:0:${hex}::1`,
        `fe80::5efe:${hex}`,
      ]) {
        assert.equal(isPublicAddress(hidden), false, hidden);
      }
    }),
  );
});

for (const [address, expected] of [
  ["2606:4700:4700::1111", true],
  ["2a00:1450:4001::200e", true],
  ["::", false],
  ["::1", false],
  ["100::1", false],
  ["100:0:0:1::1", false],
  ["2001:db8::1", false],
  ["3fff::1", false],
  ["4000::1", false],
  ["5f00::1", false],
  ["fc00::1", false],
  ["fe80::1", false],
  ["fe80::1%eth0", false],
  ["fec0::1", false],
  ["ff02::1", false],
  ["", false],
  ["localhost", false],
] as const) {
  test(`${JSON.stringify(address)} is ${expected ? "public" : "not public"}`, () => {
    assert.equal(isPublicAddress(address), expected);
  });
}

for (const [url, address] of [
  ["http://[::ffff:169.254.169.254]/", "::ffff:a9fe:a9fe"],
  ["http://0251.0376.0251.0376/", "169.254.169.254"],
  ["http://0xa9fea9fe/", "169.254.169.254"],
  ["http://2852039166/", "169.254.169.254"],
  ["http://169.254.43518/", "169.254.169.254"],
  ["http://①⑥⑨.254.169.254/", "169.254.169.254"],
  ["http://169。254。169。254/", "169.254.169.254"],
  ["http://0/", "0.0.0.0"],
  ["http://example.com/", null],
  ["http://169.254.169.254.nip.io/", null],
] as const) {
  test(`${url} names ${address ?? "no address"}`, () => {
    assert.equal(literalAddress(new URL(url)), address);
  });
}

test("connections to private addresses never serve a grant without port, nor another binding", () => {
  const [one, other] = [createEgress(), createEgress()];
  const agents = [one.agent(true), one.agent(false), other.agent(true), other.agent(false)];
  assert.equal(new Set(agents).size, 4);
  assert.equal(one.agent(true), one.agent(true));
});
