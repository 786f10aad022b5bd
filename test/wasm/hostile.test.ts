import assert from "node:assert/strict";
import { test } from "node:test";
import { applyV8Flags } from "#host/sandbox/v8-flags.ts";
import { type Counted, decodeModule } from "#host/sandbox/wasm/decode.ts";
import { encodeModule } from "#host/sandbox/wasm/encode.ts";
import { nextInstruction, readConstExpr, scanOf } from "#host/sandbox/wasm/instructions.ts";
import { MalformedWasm } from "#host/sandbox/wasm/malformed.ts";
import type { WasmModule } from "#host/sandbox/wasm/module.ts";
import { readerOf, readS32, readS33, readU32, readWideU32, skipS64 } from "#host/sandbox/wasm/reader.ts";
import { createWriter, writeS32, writeS33, writeS64, writeU32, written } from "#host/sandbox/wasm/writer.ts";
import { featureModule } from "./feature-module.ts";
import { randomFrom } from "./random.ts";
import { realModules } from "./real-modules.ts";

applyV8Flags();

const preamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

function moduleOf(...sections: readonly number[][]): Uint8Array {
  return Uint8Array.from([...preamble, ...sections.flat()]);
}

/** A section with the length that its content has; below 128 bytes. */
function section(id: number, ...content: number[]): number[] {
  return [id, content.length, ...content];
}

/** What we say of the bytes: the module with every body scanned, or the MalformedWasm. Anything else is thrown on. */
function read(bytes: Uint8Array): { module: WasmModule } | { refusal: MalformedWasm } {
  try {
    const module = decodeModule(bytes);
    for (const { body } of module.code) {
      const scan = scanOf(body);
      while (nextInstruction(scan));
    }
    return { module };
  } catch (thrown) {
    if (!(thrown instanceof MalformedWasm)) throw thrown;
    assert.ok(thrown.offset >= 0 && thrown.offset <= bytes.length, `offset ${thrown.offset}`);
    return { refusal: thrown };
  }
}

/**
 * The two rules for any bytes: what V8 accepts and we do not is a feature that we name; what both accept
 * survives decoding and encoding. Answers whether V8 accepts them.
 */
function holdAgainstV8(bytes: Uint8Array, what: string): boolean {
  const found = read(bytes);
  const valid = WebAssembly.validate(bytes);
  const hex = () => Buffer.from(bytes).toString("hex").slice(0, 4_000);
  if (valid && "refusal" in found) {
    assert.equal(found.refusal.kind, "unsupported", `${what}: ${found.refusal.message} ${hex()}`);
  }
  if (valid && "module" in found) {
    const again = encodeModule(found.module);
    assert.ok(WebAssembly.validate(again), `${what}: invalid after the round trip: ${hex()}`);
    assert.deepEqual(decodeModule(again), found.module, what);
  }
  return valid;
}

const bases = [
  { name: "the feature module", bytes: featureModule, mutations: 12_000, step: 1 },
  ...(await realModules())
    .filter(({ bytes }) => bytes.length < 60_000)
    .map((one) => ({ ...one, mutations: 150, step: 397 })),
];

for (const { name, bytes, step } of bases) {
  test(`${step === 1 ? "every truncation" : "truncations"} of ${name}: read or refused, as V8 does`, () => {
    for (let length = 0; length < bytes.length; length += step) {
      holdAgainstV8(bytes.subarray(0, length), `first ${length} bytes`);
    }
  });
}

for (const { name, bytes, mutations } of bases) {
  test(`${mutations} mutations of ${name} are read or refused, and never anything else`, () => {
    const random = randomFrom(mutations);
    let valid = 0;
    for (let turn = 0; turn < mutations; turn++) {
      let mutant: Uint8Array = Uint8Array.from(bytes);
      for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits--) mutant = mutate(mutant, random);
      if (holdAgainstV8(mutant, `mutation ${turn}`)) valid++;
    }
    // Of bytes that are all nonsense nothing would be learned.
    assert.ok(valid > mutations / 100);
  });
}

const tellingBytes = [
  0x00, 0x01, 0x0b, 0x40, 0x60, 0x63, 0x6f, 0x70, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
];

function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const at = Math.floor(random() * bytes.length);
  const byte = bytes[at] as number;
  const choice = random();
  if (choice < 0.15) return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
  // A longer encoding of the same number, where the byte is one.
  if (choice < 0.3)
    return Uint8Array.from([...bytes.subarray(0, at), byte | 0x80, 0, ...bytes.subarray(at + 1)]);
  if (choice < 0.5) bytes[at] = byte ^ (1 << Math.floor(random() * 8));
  else if (choice < 0.7) bytes[at] = tellingBytes[Math.floor(random() * tellingBytes.length)] as number;
  else bytes[at] = Math.floor(random() * 256);
  return bytes;
}

const most = [0xff, 0xff, 0xff, 0xff, 0x0f];

for (const [what, bytes] of [
  ["types", moduleOf(section(1, ...most, 0x60))],
  ["parameters", moduleOf(section(1, 1, 0x60, ...most, 0x7f))],
  ["imports", moduleOf(section(2, ...most, 0, 0))],
  ["functions", moduleOf(section(3, ...most, 0))],
  ["tables", moduleOf(section(4, ...most, 0x70, 0))],
  ["memories", moduleOf(section(5, ...most, 0))],
  ["globals", moduleOf(section(6, ...most, 0x7f, 0))],
  ["exports", moduleOf(section(7, ...most, 0))],
  ["elements", moduleOf(section(9, ...most, 0))],
  ["members of an element", moduleOf(section(9, 1, 1, 0, ...most, 0))],
  ["functions with code", moduleOf(section(10, ...most, 2, 0, 0x0b))],
  ["bytes of code", moduleOf(section(10, 1, ...most, 0))],
  ["runs of locals", moduleOf(section(10, 1, 7, ...most, 0x7f, 0x0b))],
  ["data segments", moduleOf(section(11, ...most, 0))],
  ["bytes of data", moduleOf(section(11, 1, 1, ...most))],
  ["bytes of a name", moduleOf(section(2, 1, ...most, 0x61))],
  ["bytes of a section", moduleOf([1, ...most])],
] as const) {
  test(`a count of 2^32 - 1 ${what} in ${bytes.length} bytes is refused before anything is made`, () => {
    const found = read(bytes);
    assert.ok("refusal" in found);
    assert.equal(found.refusal.kind, "malformed");
    assert.equal(WebAssembly.validate(bytes), false);
  });
}

test("the labels of a br_table and the locals of a function cannot outgrow the bytes or 32 bits", () => {
  const scan = scanOf(Uint8Array.from([0x0e, ...most, 0x00]));
  assert.throws(() => nextInstruction(scan), MalformedWasm);
  const locals = moduleOf(
    section(1, 1, 0x60, 0, 0),
    section(3, 1, 0),
    section(10, 1, 14, 2, ...most, 0x7f, ...most, 0x7f, 0x0b),
  );
  assert.throws(() => decodeModule(locals), /too many locals/);
});

test("the one who counts hears each number before the members are read, and stops there", () => {
  const heard: [Counted, number][] = [];
  const sums: Partial<Record<Counted, number>> = {};
  decodeModule(featureModule, (what, count) => {
    if (what === "typeValues" || what === "localRuns") sums[what] = count;
    else heard.push([what, count]);
  });
  assert.deepEqual(sums, { typeValues: 11, localRuns: 2 });
  assert.deepEqual(heard, [
    ["types", 3],
    ["imports", 1],
    ["functions", 2],
    ["tables", 2],
    ["memories", 1],
    ["globals", 6],
    ["exports", 5],
    ["elements", 5],
    ["elementItems", 2],
    ["elementItems", 3],
    ["elementItems", 4],
    ["elementItems", 6],
    ["elementItems", 7],
    ["functions", 2],
    ["data", 2],
  ]);
  const stop = new Error("too many");
  const cut = featureModule.subarray(0, featureModule.length - 1);
  const stopAtTypes = (what: Counted) => {
    if (what === "types") throw stop;
  };
  assert.throws(() => decodeModule(cut, stopAtTypes), stop);
});

const typeSection = section(1, 1, 0x60, 0, 0);

for (const [what, bytes, reason] of [
  ["a section twice", moduleOf(section(1, 0), section(1, 0)), /twice or out of order/],
  ["imports before types", moduleOf(section(2, 0), section(1, 0)), /twice or out of order/],
  ["the data count behind the code", moduleOf(section(10, 0), section(12, 0)), /twice or out of order/],
  ["an unknown section", moduleOf(section(14, 0)), /unknown section 14/],
  ["a section longer than its content", moduleOf(section(1, 0, 0)), /longer than its content/],
  ["a section longer than the file", moduleOf([1, 9, 0]), /longer than the file/],
  ["functions without code", moduleOf(typeSection, section(3, 1, 0)), /1 functions declared, 0 have code/],
  ["code without functions", moduleOf(typeSection, section(10, 1, 2, 0, 0x0b)), /0 functions declared, 1/],
  ["a data count that is wrong", moduleOf(section(12, 1)), /1 data segments declared, 0 present/],
  ["a custom section without name", moduleOf([0, 0]), /unexpected end/],
  ["a custom section with a name that is not UTF-8", moduleOf(section(0, 1, 0xff)), /not UTF-8/],
  [
    "an export whose name is a lone surrogate",
    moduleOf(section(7, 1, 3, 0xed, 0xa0, 0x80, 2, 0)),
    /not UTF-8/,
  ],
  ["a global that is no constant", moduleOf(section(6, 1, 0x7f, 0, 0x20, 0, 0x0b)), /not constant/],
  [
    "an unknown opcode",
    moduleOf(typeSection, section(3, 1, 0), section(10, 1, 3, 0, 0x27, 0x0b)),
    /opcode 0x27/,
  ],
  ["no module at all", new TextEncoder().encode("#!/bin/sh\necho hello\n"), /not a WebAssembly module/],
  [
    "a module of version 2",
    Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]),
    /unknown WebAssembly version/,
  ],
] as const) {
  test(`malformed: ${what}`, () => {
    const found = read(bytes);
    assert.ok("refusal" in found);
    assert.equal(found.refusal.kind, "malformed");
    assert.match(found.refusal.message, reason);
    assert.equal(WebAssembly.validate(bytes), false);
  });
}

test("empty sections are as good as none, and custom sections may stand anywhere", () => {
  const custom = section(0, 1, 0x61, 0xff);
  const bytes = moduleOf(
    ...[1, 2, 3, 4, 5, 6, 7, 9, 12, 10, 11].flatMap((id) => [custom, section(id, 0)]),
    custom,
  );
  assert.ok(WebAssembly.validate(bytes));
  const module = decodeModule(bytes);
  assert.equal(module.customs.length, 12);
  assert.deepEqual([...(module.customs[0]?.bytes ?? [])], [0xff]);
  assert.deepEqual(decodeModule(encodeModule(module)), module);
});

test("a byte order mark in a name is part of it", () => {
  const module = decodeModule(moduleOf(section(0, 4, 0xef, 0xbb, 0xbf, 0x61)));
  assert.equal(module.customs[0]?.name, "\ufeffa");
});

test("100,000 nested blocks are read without recursion", () => {
  const depth = 100_000;
  const body = new Uint8Array(depth * 3 + 1).fill(0x0b);
  for (let at = 0; at < depth; at++) body.set([0x02, 0x40], at * 2);
  const scan = scanOf(body);
  let count = 0;
  while (nextInstruction(scan)) count++;
  assert.equal(count, 2 * depth + 1);
  const long = new Uint8Array(200_003).fill(0x6a);
  assert.throws(() => readConstExpr(readerOf(long)), /constant expressions of over 128 bytes/);
  assert.throws(() => readConstExpr(readerOf(long.subarray(0, 100))), /unexpected end/);
});

for (const [what, decode, accepted, refused] of [
  [
    "unsigned 32",
    readU32,
    [
      [[0x00], 0],
      [[0x80, 0x00], 0],
      [[0x80, 0x80, 0x80, 0x80, 0x00], 0],
      [[0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
      [[0xe5, 0x8e, 0x26], 624_485],
    ],
    [[0xff, 0xff, 0xff, 0xff, 0x1f], [0x80, 0x80, 0x80, 0x80, 0x80, 0x00], [0x80], []],
  ],
  [
    "unsigned 32 in 64",
    readWideU32,
    [
      [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 0],
      [[0xff, 0xff, 0xff, 0xff, 0x8f, 0x00], 2 ** 32 - 1],
    ],
    [
      [0x80, 0x80, 0x80, 0x80, 0x10],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
      [0x80, 0x80],
    ],
  ],
  [
    "signed 32",
    readS32,
    [
      [[0x7f], -1],
      [[0xff, 0x7f], -1],
      [[0xff, 0xff, 0xff, 0xff, 0x7f], -1],
      [[0x80, 0x80, 0x80, 0x80, 0x78], -(2 ** 31)],
      [[0xff, 0xff, 0xff, 0xff, 0x07], 2 ** 31 - 1],
    ],
    [
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0x80, 0x80, 0x80, 0x80, 0x70],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    ],
  ],
  [
    "signed 33",
    readS33,
    [
      [[0x40], -64],
      [[0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1],
      [[0x80, 0x80, 0x80, 0x80, 0x70], -(2 ** 32)],
    ],
    [
      [0xff, 0xff, 0xff, 0xff, 0x1f],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    ],
  ],
  [
    "signed 64",
    skipS64,
    [
      [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], undefined],
      [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00], undefined],
    ],
    [
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    ],
  ],
] as const) {
  test(`numbers: ${what} bits`, () => {
    for (const [bytes, value] of accepted) {
      const reader = readerOf(Uint8Array.from(bytes));
      assert.equal(decode(reader), value);
      assert.equal(reader.at, bytes.length);
    }
    for (const bytes of refused) assert.throws(() => decode(readerOf(Uint8Array.from(bytes))), MalformedWasm);
  });
}

test("numbers written are read again, and take as few bytes as they can", () => {
  const edges = [0, 1, 63, 64, 127, 128, 8_191, 8_192, 2 ** 20, 2 ** 27, 2 ** 28, 2 ** 31 - 1];
  for (const value of [...edges, 2 ** 31, 2 ** 32 - 1]) assert.equal(reread(writeU32, readU32, value), value);
  for (const value of edges.flatMap((one) => [one, -one - 1]))
    assert.equal(reread(writeS32, readS32, value), value);
  for (const value of [...edges, 2 ** 31, 2 ** 32 - 1].flatMap((one) => [one, -one - 1])) {
    assert.equal(reread(writeS33, readS33, value), value);
  }
  const out = createWriter();
  writeS64(out, -(2n ** 63n));
  assert.equal(written(out).length, 10);
});

function reread<T>(
  write: (out: ReturnType<typeof createWriter>, value: T) => void,
  readBack: (reader: ReturnType<typeof readerOf>) => number,
  value: T,
): number {
  const out = createWriter(1);
  write(out, value);
  const bytes = written(out);
  const last = bytes.at(-1) as number;
  const before = bytes.at(-2) ?? 0;
  // A last byte that only repeats the sign, or zero, could have been left out.
  const idle = write === (writeU32 as unknown) ? last === 0 : last === (before & 0x40 ? 0x7f : 0x00);
  assert.ok(bytes.length === 1 || !idle);
  return readBack(readerOf(bytes));
}
