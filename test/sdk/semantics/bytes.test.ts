import { js, specify } from "./specify.ts";

specify("bytes", {
  "elements convert to their type": js`
    return [new Uint8Array([256, -1, 1.9, NaN, "7", null]), new Int8Array([128, -129]),
      new Uint8ClampedArray([300, -5, 0.5, 1.5, 2.5, NaN]), new Int16Array([32768]),
      new Uint32Array([-1, 2 ** 32 + 5]), new Float32Array([0.1, 1e40, -0]), new BigInt64Array([2n ** 63n]),
      new BigUint64Array([-1n]), thrown(() => new BigInt64Array([1]))];
  `,
  constructors: js`
    const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
    return [new Uint16Array(buffer, 2, 2), new Uint16Array(buffer, 4),
      new Uint8Array(new Float64Array([1.5, 2])), new Uint8Array({ length: 2, 1: 9 }),
      new Uint8Array(new Set([1, 2])), new Uint8Array("3"), thrown(() => new Uint16Array(buffer, 1)),
      thrown(() => new Uint16Array(buffer, 0, 9)), thrown(() => new Uint32Array(new ArrayBuffer(6))),
      thrown(() => Uint8Array(1)), Uint8Array.of(1, 300), Int8Array.from("12", (x) => x * 100),
      Uint8Array.BYTES_PER_ELEMENT];
  `,
  "views share a buffer": js`
    const words = new Uint32Array([0x01020304]);
    const bytes = new Uint8Array(words.buffer);
    bytes[0] = 0xff;
    const part = bytes.subarray(1, 3);
    part.fill(9);
    return [words[0].toString(16), part.byteOffset, part.buffer === words.buffer,
      bytes.slice(1, 3).buffer === words.buffer, bytes];
  `,
  "an index is an element or nothing": js`
    const a = new Uint8Array(2);
    a[5] = 1; a[-1] = 1; a["1.5"] = 1; a["-0"] = 1; a.x = 7;
    return [a.length, a[5], a[-1], a["1.5"], -1 in a, "-0" in a, 1 in a, Object.keys(a), delete a.x,
      thrown(() => { delete a[0]; }), Reflect.set(a, 9, 1), Object.getOwnPropertyDescriptor(a, 0),
      thrown(() => Object.defineProperty(a, 0, { value: 1, writable: false })),
      thrown(() => Object.freeze(a))];
  `,
  "copyWithin and set stand overlaps": js`
    const a = Uint8Array.of(1, 2, 3, 4, 5, 6);
    a.copyWithin(2, 0, 4);
    const b = Uint8Array.of(1, 2, 3, 4, 5, 6);
    b.set(b.subarray(0, 4), 1);
    const c = new Uint16Array([1, 2, 3, 4]);
    c.set(new Uint8Array(c.buffer.slice(0, 4)));
    const d = Uint8Array.of(1, 2, 3, 4);
    return [a, b, c, d.copyWithin(-2, -4, -1), thrown(() => d.set([1], 4)), thrown(() => d.set([1], -1)),
      (d.set([7, "8"], 1), d)];
  `,
  "sort is by number, with -0 before 0 and NaN last": js`
    return [new Float64Array([3, NaN, -1, 0, -0, Infinity, -Infinity, 10]).sort(),
      new Uint8Array([10, 9, 1]).sort(), new Int16Array([3, 1, 2]).sort((a, b) => b - a),
      new BigInt64Array([3n, -1n, 2n]).sort(), new Float32Array([2, 1]).toSorted(),
      thrown(() => new Uint8Array(1).sort(5))];
  `,
  "the methods of arrays": js`
    const a = Int16Array.of(5, 1, 4);
    return [a.map((x) => x * 10000), a.filter((x) => x > 1), a.reduce((s, x) => s + x), a.join("-"),
      a.indexOf(4), a.includes(NaN), new Float32Array([NaN]).includes(NaN), a.at(-1),
      a.findLast((x) => x > 1), a.toReversed(), a.with(0, 9), thrown(() => a.with(5, 1)), [...a.entries()],
      a.lastIndexOf(5), a.fill(7, 1, 2), a.some((x) => x > 5), a.every((x) => x > 4), a.reverse()];
  `,
  "DataView reads and writes either end first": js`
    const view = new DataView(new ArrayBuffer(16), 2);
    view.setUint16(0, 0x1234); view.setInt32(2, -2, true); view.setFloat32(6, 1.5);
    return [view.getUint8(0), view.getUint16(0, true), view.getInt32(2), view.getUint32(2, true),
      view.getFloat32(6), view.getInt8(2), view.byteLength, view.byteOffset,
      thrown(() => view.getUint16(13)), thrown(() => view.getUint8(-1)),
      thrown(() => view.setBigInt64(0, 1)), (view.setBigUint64(0, 2n ** 64n - 1n), view.getBigInt64(0)),
      (view.setFloat64(0, Math.PI, true), view.getFloat64(0, true)),
      thrown(() => DataView(new ArrayBuffer(1)))];
  `,
  "halves of floats": js`
    const view = new DataView(new ArrayBuffer(2));
    view.setFloat16(0, 65504);
    return [new Float16Array([0.1, 65504, 65520, 1e-8, -0, 2049]), view.getUint16(0).toString(16),
      view.getFloat16(0), Math.f16round(1.337), Math.f16round(5e-8) === 2 ** -24];
  `,
  "a resizable buffer and the views of it": js`
    const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
    const tracking = new Uint8Array(buffer), fixed = new Uint8Array(buffer, 1, 3),
      tail = new Uint8Array(buffer, 2);
    const log = [];
    const look = () => log.push([buffer.byteLength, tracking.length, fixed.length, tail.length,
      fixed.byteOffset]);
    look(); tracking.fill(7); buffer.resize(8); look(); buffer.resize(3); look(); buffer.resize(1); look();
      buffer.resize(6); look();
    return [log, tracking, buffer.resizable, buffer.maxByteLength, thrown(() => buffer.resize(9)),
      thrown(() => new ArrayBuffer(2).resize(1)), thrown(() => new ArrayBuffer(5, { maxByteLength: 4 }))];
  `,
  "a buffer that shrinks during a method": js`
    const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
    const a = new Uint8Array(buffer).fill(1);
    const seen = [];
    a.forEach((x, i) => { seen.push(x); if (i === 1) buffer.resize(2); });
    const b = new Uint8Array(buffer);
    const filled = b.fill({ valueOf() { buffer.resize(1); return 5; } });
    return [seen, filled.length, a.length, [...b]];
  `,
  "transfer leaves a detached buffer": js`
    const buffer = Uint8Array.of(1, 2, 3).buffer;
    const view = new Uint8Array(buffer);
    const moved = buffer.transfer(4);
    return [[...new Uint8Array(moved)], buffer.detached, buffer.byteLength, view.length, view[0],
      view.byteOffset, thrown(() => buffer.slice()), thrown(() => view.fill(1)),
      thrown(() => new Uint8Array(buffer)), thrown(() => view.values()),
      moved.transferToFixedLength().resizable];
  `,
  "slice of a buffer": js`
    const buffer = Uint8Array.of(1, 2, 3, 4).buffer;
    return [new Uint8Array(buffer.slice(1, -1)), buffer.slice(3, 1).byteLength,
      ArrayBuffer.isView(new DataView(buffer)), ArrayBuffer.isView(buffer),
      thrown(() => new ArrayBuffer(-1)), new ArrayBuffer(3.9).byteLength];
  `,
  "hex and base64, where the engine has them, agree": js`
    if (typeof Uint8Array.fromHex !== "function") return "absent";
    return [Uint8Array.fromHex("00ffA5"), Uint8Array.of(1, 171).toHex(),
      Uint8Array.of(251, 255, 190).toBase64(), Uint8Array.of(251,
      255).toBase64({ alphabet: "base64url", omitPadding: true }), Uint8Array.fromBase64("+/++ "),
      thrown(() => Uint8Array.fromHex("abc"))];
  `,
  "a subclass and its species": js`
    class Mine extends Uint8Array { sum() { return this.reduce((s, x) => s + x, 0); } }
    const a = new Mine([1, 2, 3]);
    return [a.sum(), a.map((x) => x * 2) instanceof Mine, a.subarray(1).sum(), a.toSorted() instanceof Mine,
      Object.prototype.toString.call(a), a.filter((x) => x > 1).sum()];
  `,
});
