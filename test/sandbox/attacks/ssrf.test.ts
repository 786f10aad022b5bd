import assert from "node:assert/strict";
import dns, { type LookupAddress } from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { openHttpPlugin } from "#test/capabilities/http-plugin.ts";
import { startFakeUpstream } from "#test/fake-upstream/fake-upstream.ts";
import { numberOf } from "../fixture.ts";

/** Ways to write an address that no plugin may reach, or a scheme that is none, by the trick. */
const tricks: readonly (readonly [string, string])[] = [
  ["data:", "data:text/plain,secret"],
  ["file:", "file:///etc/passwd"],
  ["gopher:", "gopher://127.0.0.1:6379/_FLUSHALL"],
  ["a user name", "http://api.example.com@169.254.169.254/"],
  ["a user name and a password", "http://api.example.com:80@169.254.169.254/"],
  ["a backslash for the host's end", "http://169.254.169.254\\@api.example.com/"],
  ["a trailing dot", "http://169.254.169.254./"],
  ["digits of another script", "http://１６９.２５４.１６９.２５４/"],
  ["a host in another script", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/"],
  ["decimal IPv4", "http://2852039166/"],
  ["octal IPv4", "http://0251.0376.0251.0376/"],
  ["hexadecimal IPv4", "http://0xa9.0xfe.0xa9.0xfe/"],
  ["short IPv4", "http://127.1/"],
  ["mapped IPv6", "http://[::ffff:a9fe:a9fe]/"],
  ["mapped IPv6 in IPv4's form", "http://[::ffff:169.254.169.254]/"],
  ["NAT64", "http://[64:ff9b::a9fe:a9fe]/"],
  ["any address", "http://0.0.0.0/"],
  ["any IPv6 address", "http://[::]/"],
  ["loopback", "http://[::1]/"],
];

function answerEveryName(address: string): { readonly asked: readonly string[]; restore(): void } {
  const asked: string[] = [];
  const { lookup } = dns;
  const found: LookupAddress[] = [{ address, family: address.includes(":") ? 6 : 4 }];
  Object.assign(dns, {
    lookup(name: string, _options: object, done: (error: null, found: LookupAddress[]) => void) {
      asked.push(name);
      done(null, found);
    },
  });
  syncBuiltinESMExports();
  return {
    asked,
    restore() {
      Object.assign(dns, { lookup });
      syncBuiltinESMExports();
    },
  };
}

for (const [trick, url] of tricks) {
  test(`SSRF by ${trick} is refused before anything is asked or sent`, async (t) => {
    const names = answerEveryName("127.0.0.1");
    t.after(() => names.restore());
    const plugin = await openHttpPlugin(t, ["*.example.com", "api.example.com"]);
    assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url }))), 0n);
    assert.equal(plugin.log.length, 1);
    assert.match(
      plugin.log[0]?.text ?? "",
      /is not in the binding's grants|is not http or https|carries a user name/,
    );
    assert.deepEqual(names.asked, []);
  });
}

test("SSRF by redirect: the answer is the plugin's, its target needs a grant of its own", async (t) => {
  const server = await startFakeUpstream();
  t.after(() => server.close());
  await server.play({ answer: "redirect" });
  const plugin = await openHttpPlugin(t, [new URL(server.url).host]);
  assert.equal(numberOf(await plugin.call("status", JSON.stringify({ url: server.url }))), 307n);
  assert.equal(server.received.length, 1);
});

for (const address of ["127.0.0.1", "169.254.169.254", "::ffff:a9fe:a9fe"]) {
  test(`SSRF by rebinding to ${address}: a granted name is resolved once, and not called`, async (t) => {
    const names = answerEveryName(address);
    t.after(() => names.restore());
    const plugin = await openHttpPlugin(t, ["*.example.com"]);
    assert.equal(numberOf(await plugin.call("status", '{"url":"http://rebind.example.com/"}')), 0n);
    assert.deepEqual(
      plugin.log.map(({ text }) => text),
      ["http_request: rebind.example.com has no public address"],
    );
    assert.deepEqual(names.asked, ["rebind.example.com"]);
  });
}
