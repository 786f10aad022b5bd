import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { cryptoLimits } from "#host/limits.ts";
import { numberOf } from "#test/sandbox/fixture.ts";
import { grant, openCalls, outcomeOf } from "./user-calls.ts";

const granted = "{{secret:granted}}";

test("hash gives the digests of the standards, in each encoding", async (t) => {
  const plugin = await openCalls(t, grant(), {
    sha1: ["crypto_hash", "sha-1", "abc", "hex"],
    sha256: ["crypto_hash", "sha-256", "abc", "hex"],
    sha384: ["crypto_hash", "sha-384", "abc", "base64"],
    sha512: ["crypto_hash", "sha-512", "abc", "base64url"],
    empty: ["crypto_hash", "sha-256", 0n, "hex"],
    bytes: ["crypto_hash", "sha-256", Uint8Array.of(0, 255, 0xc3, 0x28), "hex"],
  });
  // FIPS 180-4, the example "abc".
  assert.equal(await outcomeOf(plugin, "sha1"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(await outcomeOf(plugin, "sha256"), sha256);
  assert.equal(await outcomeOf(plugin, "sha384"), createHash("sha384").update("abc").digest("base64"));
  assert.equal(await outcomeOf(plugin, "sha512"), createHash("sha512").update("abc").digest("base64url"));
  assert.equal(await outcomeOf(plugin, "empty"), createHash("sha256").digest("hex"));
  const bytes = createHash("sha256")
    .update(Uint8Array.of(0, 255, 0xc3, 0x28))
    .digest("hex");
  assert.equal(await outcomeOf(plugin, "bytes"), bytes);
});

test("hmac takes a key or the name of a granted secret, which no answer and no line holds", async (t) => {
  const plugin = await openCalls(t, grant(), {
    // RFC 4231, test case 2.
    plain: ["crypto_hmac", "sha-256", "Jefe", "what do ya want for nothing?", "hex"],
    secret: ["crypto_hmac", "sha-256", granted, "data", "hex"],
    asData: ["crypto_hmac", "sha-256", "key", granted, "hex"],
    inside: ["crypto_hmac", "sha-256", `x${granted}`, "data", "hex"],
    other: ["crypto_hmac", "sha-256", "{{secret:other}}", "data", "hex"],
    proto: ["crypto_hmac", "sha-256", "{{secret:__proto__}}", "data", "hex"],
  });
  assert.equal(
    await outcomeOf(plugin, "plain"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  const hmac = (key: string, data: string) => createHmac("sha256", key).update(data).digest("hex");
  assert.equal(await outcomeOf(plugin, "secret"), hmac("s3cret-granted", "data"));
  assert.equal(await outcomeOf(plugin, "asData"), hmac("key", granted));
  assert.equal(await outcomeOf(plugin, "inside"), hmac(`x${granted}`, "data"));
  for (const name of ["other", "proto"]) {
    const told = await outcomeOf(plugin, name);
    assert.match(
      told,
      /^error: .*crypto_hmac failed: Refused: the secret ".*" is not in the binding's grants\.secrets$/,
    );
    assert.doesNotMatch(told, /s3cret/);
  }
  assert.ok(!plugin.log.some(({ text }) => text.includes("s3cret")));
});

test("a binding without grants.secrets can name none", async (t) => {
  const plugin = await openCalls(t, grant({ grants: {} }), {
    hmac: ["crypto_hmac", "sha-256", granted, "data", "hex"],
    verify: ["crypto_verify", "HS256", granted, "c2ln", "data"],
  });
  for (const hook of ["hmac", "verify"]) {
    assert.match(
      await outcomeOf(plugin, hook),
      /the secret "granted" is not in the binding's grants\.secrets/,
    );
  }
});

test("an algorithm or an encoding that does not exist ends the call, and says which there are", async (t) => {
  const plugin = await openCalls(t, grant(), {
    md5: ["crypto_hash", "md5", "abc", "hex"],
    proto: ["crypto_hash", "constructor", "abc", "hex"],
    encoding: ["crypto_hash", "sha-256", "abc", "latin1"],
    none: ["crypto_verify", "none", "key", "c2ln", "data"],
    long: ["crypto_hash", "s".repeat(100_000), "abc", "hex"],
    large: ["crypto_hash", "sha-256", "d".repeat(cryptoLimits.dataBytes + 1), "hex"],
    largeKey: ["crypto_hmac", "sha-256", "k".repeat(cryptoLimits.keyBytes + 1), "d", "hex"],
  });
  for (const [hook, message] of [
    ["md5", /Refused: no "md5"; there are sha-1, sha-256, sha-384, sha-512$/],
    ["proto", /no "constructor"; there are/],
    ["encoding", /no "latin1"; there are hex, base64, base64url$/],
    ["none", /no algorithm "none"; there are HS256/],
    ["long", /the name of the algorithm or encoding has more than 32 bytes/],
    ["large", /the data has more than 1048576 bytes/],
    ["largeKey", /the key has more than 8192 bytes/],
  ] as const) {
    assert.match(await outcomeOf(plugin, hook), message);
  }
});

test("equal is 1 for the same bytes alone", async (t) => {
  const plugin = await openCalls(t, grant(), {
    same: ["crypto_equal", "secret", "secret"],
    other: ["crypto_equal", "secret", "secreT"],
    longer: ["crypto_equal", "secret", "secret\0"],
    empty: ["crypto_equal", 0n, ""],
    reference: ["crypto_equal", granted, "s3cret-granted"],
  });
  assert.equal(numberOf(await plugin.call("same")), 1n);
  assert.equal(numberOf(await plugin.call("other")), 0n);
  assert.equal(numberOf(await plugin.call("longer")), 0n);
  assert.equal(numberOf(await plugin.call("empty")), 1n);
  assert.equal(numberOf(await plugin.call("reference")), 0n, "no way to ask for a secret");
});

test("the plugin pays for what the host computes", async (t) => {
  const data = "d".repeat(cryptoLimits.dataBytes);
  const plugin = await openCalls(
    t,
    grant(),
    { large: ["crypto_hash", "sha-512", data, "hex"], small: ["crypto_hash", "sha-512", "d", "hex"] },
    { limits: { fuel: 100_000_000 } },
  );
  const [large, small] = [await plugin.call("large"), await plugin.call("small")];
  assert.equal(large.outcome, "ok");
  assert.ok(large.fuelUsed - small.fuelUsed > 20_000_000);
  const poor = await openCalls(
    t,
    grant(),
    { large: ["crypto_hash", "sha-512", data, "hex"] },
    {
      limits: { fuel: 25_000_000 },
    },
  );
  assert.equal((await poor.call("large")).outcome, "fuel");
});
