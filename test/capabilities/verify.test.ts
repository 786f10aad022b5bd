import assert from "node:assert/strict";
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { numberOf } from "#test/sandbox/fixture.ts";
import { grant, openCalls, type UserCall } from "./user-calls.ts";

const data = "eyJhbGciOiJ4In0.eyJzdWIiOiJhbGljZSJ9";
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
const ed25519 = generateKeyPairSync("ed25519");

const pemOf = (key: KeyObject) => String(key.export({ type: "spki", format: "pem" }));
const jwkOf = (key: KeyObject) => JSON.stringify({ ...key.export({ format: "jwk" }), use: "sig", kid: "1" });

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const ecdsa = { dsaEncoding: "ieee-p1363" } as const;

/** Each algorithm with a public key and a signature of `data` as base64url. */
const signed = [
  ...["256", "384", "512"].flatMap((bits) => [
    {
      algorithm: `RS${bits}`,
      key: rsa.publicKey,
      bytes: sign(`sha${bits}`, Buffer.from(data), rsa.privateKey),
    },
    {
      algorithm: `PS${bits}`,
      key: rsa.publicKey,
      bytes: sign(`sha${bits}`, Buffer.from(data), { key: rsa.privateKey, ...pss }),
    },
  ]),
  ...(
    [
      ["ES256", p256, "sha256"],
      ["ES384", p384, "sha384"],
      ["ES512", p521, "sha512"],
    ] as const
  ).map(([algorithm, { publicKey, privateKey }, digest]) => ({
    algorithm,
    key: publicKey,
    bytes: sign(digest, Buffer.from(data), { key: privateKey, ...ecdsa }),
  })),
  { algorithm: "EdDSA", key: ed25519.publicKey, bytes: sign(null, Buffer.from(data), ed25519.privateKey) },
];

/** The answers of `crypto_verify` by name, and the plugin's log. */
async function verifyAll(t: Parameters<typeof openCalls>[0], calls: Record<string, UserCall>) {
  const plugin = await openCalls(t, grant(), calls);
  const answers: Record<string, bigint> = {};
  for (const name of Object.keys(calls)) {
    const result = await plugin.call(name);
    assert.equal(result.outcome, "ok", `${name}: ${result.error}`);
    answers[name] = numberOf(result);
  }
  return { answers, log: plugin.log.map(({ text }) => text) };
}

for (const { algorithm, key, bytes } of signed) {
  test(`${algorithm}: a signature holds for its data and key alone, as PEM or JWK`, async (t) => {
    const signature = bytes.toString("base64url");
    const broken = Buffer.from(bytes);
    broken[10] = (broken[10] ?? 0) ^ 1;
    const { answers } = await verifyAll(t, {
      pem: ["crypto_verify", algorithm, pemOf(key), signature, data],
      jwk: ["crypto_verify", algorithm, jwkOf(key), signature, data],
      otherData: ["crypto_verify", algorithm, pemOf(key), signature, `${data}x`],
      broken: ["crypto_verify", algorithm, pemOf(key), broken.toString("base64url"), data],
      short: ["crypto_verify", algorithm, pemOf(key), bytes.subarray(1).toString("base64url"), data],
      padded: ["crypto_verify", algorithm, pemOf(key), `${signature}=`, data],
      line: ["crypto_verify", algorithm, pemOf(key), `${signature}\n`, data],
    });
    const not = { otherData: 0n, broken: 0n, short: 0n, padded: 0n, line: 0n };
    assert.deepEqual(answers, { pem: 1n, jwk: 1n, ...not });
  });
}

test("HS256 and its like: the key is a text, a JWK of the type oct, or a granted secret", async (t) => {
  const mac = (bits: string, key: string) => createHmac(`sha${bits}`, key).update(data).digest("base64url");
  const oct = JSON.stringify({ kty: "oct", k: Buffer.from("shared-key").toString("base64url") });
  const { answers } = await verifyAll(t, {
    256: ["crypto_verify", "HS256", "shared-key", mac("256", "shared-key"), data],
    384: ["crypto_verify", "HS384", "shared-key", mac("384", "shared-key"), data],
    512: ["crypto_verify", "HS512", "shared-key", mac("512", "shared-key"), data],
    oct: ["crypto_verify", "HS256", oct, mac("256", "shared-key"), data],
    secret: ["crypto_verify", "HS256", "{{secret:granted}}", mac("256", "s3cret-granted"), data],
    otherKey: ["crypto_verify", "HS256", "shared-kex", mac("256", "shared-key"), data],
    cut: ["crypto_verify", "HS256", "shared-key", mac("256", "shared-key").slice(0, 20), data],
  });
  assert.deepEqual(answers, { 256: 1n, 384: 1n, 512: 1n, oct: 1n, secret: 1n, otherKey: 0n, cut: 0n });
});

test("a public key is no secret of an HMAC, and an empty one is none either", async (t) => {
  const mac = (key: string) => createHmac("sha256", key).update(data).digest("base64url");
  const pem = pemOf(rsa.publicKey);
  const jwk = jwkOf(rsa.publicKey);
  const { answers, log } = await verifyAll(t, {
    pem: ["crypto_verify", "HS256", pem, mac(pem), data],
    trimmed: ["crypto_verify", "HS256", pem.trim(), mac(pem.trim()), data],
    spaced: ["crypto_verify", "HS256", `\n x ${pem}`, mac(`\n x ${pem}`), data],
    jwk: ["crypto_verify", "HS256", jwk, mac(jwk), data],
    spacedJwk: ["crypto_verify", "HS256", ` ${jwk}`, mac(` ${jwk}`), data],
    empty: ["crypto_verify", "HS256", "", mac(""), data],
    emptyOct: ["crypto_verify", "HS256", '{"kty":"oct","k":""}', mac(""), data],
  });
  for (const [name, answer] of Object.entries(answers)) assert.equal(answer, 0n, name);
  assert.equal(log.length, 7);
  assert.match(log[0] ?? "", /^crypto_verify: the key is a PEM, which is no secret of an HMAC$/);
});

test("a key of another type, another curve or another size does not fit", async (t) => {
  const [{ bytes: rs256 } = { bytes: Buffer.alloc(0) }] = signed;
  const signature = rs256.toString("base64url");
  const weak = generateKeyPairSync("rsa", { modulusLength: 1_024 });
  const weakSigned = sign("sha256", Buffer.from(data), weak.privateKey).toString("base64url");
  const large = generateKeyPairSync("rsa", { modulusLength: 4_160 });
  const largeSigned = sign("sha256", Buffer.from(data), large.privateKey).toString("base64url");
  const on384 = sign("sha256", Buffer.from(data), { key: p384.privateKey, ...ecdsa }).toString("base64url");
  const der = sign("sha256", Buffer.from(data), p256.privateKey).toString("base64url");
  const slow = {
    kty: "RSA",
    n: Buffer.alloc(256, 0xff).toString("base64url"),
    e: Buffer.alloc(255, 0xff).toString("base64url"),
  };
  const { answers, log } = await verifyAll(t, {
    "the key is ec, the algorithm needs rsa": [
      "crypto_verify",
      "RS256",
      pemOf(p256.publicKey),
      signature,
      data,
    ],
    "the key is rsa, the algorithm needs ec": [
      "crypto_verify",
      "ES256",
      pemOf(rsa.publicKey),
      signature,
      data,
    ],
    "the key is ed25519, the algorithm needs ec": [
      "crypto_verify",
      "ES256",
      pemOf(ed25519.publicKey),
      signature,
      data,
    ],
    "the key is rsa, the algorithm needs ed25519 or ed448": [
      "crypto_verify",
      "EdDSA",
      pemOf(rsa.publicKey),
      signature,
      data,
    ],
    "the key is of the curve secp384r1, not prime256v1": [
      "crypto_verify",
      "ES256",
      pemOf(p384.publicKey),
      on384,
      data,
    ],
    "the RSA key has 1024 bits": ["crypto_verify", "RS256", pemOf(weak.publicKey), weakSigned, data],
    "the RSA key has 4160 bits": ["crypto_verify", "PS256", pemOf(large.publicKey), largeSigned, data],
    "the exponent of the RSA key has more than 32 bits": [
      "crypto_verify",
      "RS256",
      JSON.stringify(slow),
      signature,
      data,
    ],
    "the key is neither a PEM nor a JWK": [
      "crypto_verify",
      "RS256",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
      signature,
      data,
    ],
    "neither a PEM nor": ["crypto_verify", "RS256", '{"kty":"RSA","n":1}', signature, data],
    "PEM nor a JWK of a public key": ["crypto_verify", "EdDSA", Uint8Array.of(0, 1, 2, 255), signature, data],
    "a JWK of a public key": ["crypto_verify", "EdDSA", '{"kty":"oct","k":"c2VjcmV0"}', signature, data],
    "the signature is not base64url": ["crypto_verify", "RS256", pemOf(rsa.publicKey), "***", data],
    "signature is not base64url": ["crypto_verify", "RS256", pemOf(rsa.publicKey), "", data],
  });
  for (const [message, answer] of Object.entries(answers)) assert.equal(answer, 0n, message);
  for (const [at, message] of Object.keys(answers).entries()) {
    assert.ok(
      log[at]?.startsWith("crypto_verify: ") && log[at].includes(message),
      `${log[at]} says ${message}`,
    );
  }
  const other = await verifyAll(t, { der: ["crypto_verify", "ES256", pemOf(p256.publicKey), der, data] });
  assert.deepEqual(other.answers, { der: 0n }, "a JWS has r and s side by side, not in DER");
});
