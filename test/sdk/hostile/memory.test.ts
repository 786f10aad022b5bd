import { type Attack, attack } from "./attack.ts";

const memory = (body: string): Attack => ({ body, outcome: "memory" });
/** So that memory is what runs out. */
const muchFuel = 50_000_000_000;
const refused = (body: string, says: RegExp): Attack => ({ body, outcome: "error", says });

attack(
  "memory without an end is the outcome memory:",
  {
    "a text that doubled and is looked at": memory(
      "let s = 'ab'; for (let i = 0; i < 27; i++) s += s; return [s.indexOf('c')];",
    ),
    "a text of 100 MB by repeat": memory("return ['x'.repeat(1e8)];"),
    "a text of 100 MB by padEnd": memory("return ['x'.padEnd(1e8, 'ab')];"),
    "texts that join doubles": memory("let a = ['x'.repeat(1000)]; for (;;) a = [a.join(), a.join()];"),
    "a template that doubles": memory(`let s = 'x'; for (;;) s = \`\${s}\${s}\`;`),
    "replaceAll that doubles": memory("let s = 'x'; for (;;) s = s.replaceAll('x', 'xx');"),
    "replace with what stands before": memory(
      "let s = 'x'.repeat(1e4); for (;;) s = s.replace(/x/, \"$`$'$`$'\");",
    ),
    "wide texts": memory("let s = '\\u4e00'; for (;;) s = s.concat(s);"),
    "encodeURIComponent that triples": memory("let s = '%'; for (;;) s = encodeURIComponent(s) + s;"),
    "JSON.stringify that escapes its own escapes": memory("let s = '\\\\'; for (;;) s = JSON.stringify(s);"),
    "toUpperCase of what grows by it": memory(
      "let s = '\\ufb03'.repeat(1e5); for (;;) s += s.toUpperCase();",
    ),
    "arrays by fill": memory("return [new Array(1e8).fill(0)];"),
    "an array of arrays": memory("const a = []; for (;;) a.push(new Array(1e5).fill(a));"),
    "a length set and every element written": memory("const a = new Array(3e6); a.fill(1.5); return a;"),
    "flat of what is shared": memory(
      "let a = [1, 1]; for (let i = 0; i < 40; i++) a = [a, a]; return a.flat(Infinity);",
    ),
    "concat that doubles": memory("let a = [1]; for (;;) a = a.concat(a);"),
    "an array from a length": memory("return Array.from({ length: 1e8 });"),
    "spread that doubles": memory("let a = [1]; for (;;) a = [...a, ...a];"),
    "a typed array of 1 GB": memory("return [new Uint8Array(1e9)];"),
    "typed arrays of 64 KB": memory("const a = []; for (;;) a.push(new Uint8Array(65536));"),
    "a Float64Array of 2 ** 27": memory("return [new Float64Array(2 ** 27)];"),
    "a buffer that is resized": memory(
      "const b = new ArrayBuffer(1, { maxByteLength: 2 ** 30 }); for (let n = 1; ; n *= 2) b.resize(n);",
    ),
    "buffers that are transferred larger": memory(
      "let b = new ArrayBuffer(1e6); for (;;) b = b.transfer(b.byteLength * 2);",
    ),
    "maps of maps": memory("let m = new Map(); for (;;) m.set({}, new Array(2000).fill(m));"),
    "objects with long keys": memory("const o = {}; for (let i = 0; ; i++) o['k'.repeat(20000) + i] = 1;"),
    "JSON.parse, wide": memory(
      "return JSON.parse('[' + '[[]],'.repeat(1e5) + '0]') && new Array(1e7).fill(0);",
    ),
    closures: memory(
      "let f = () => 0; for (;;) { const g = f, held = new Uint8Array(1e4); f = () => g() + held.length; }",
    ),
    "promises that wait": memory(
      "const all = []; for (;;) all.push(new Promise(() => {}).then(() => all, new Uint8Array(5e3).map)); ",
    ),
    "microtasks that are never reached": memory(
      "for (;;) { const held = new Uint8Array(1e4); queueMicrotask(() => held); }",
    ),
    "matches kept": memory("const all = []; for (;;) all.push('x'.repeat(1e5).match(/x*/));"),
    "errors with causes": memory(
      "let e = new Error('x'.repeat(1e4)); for (;;) e = new Error('y'.repeat(1e4), { cause: e });",
    ),
  },
  { fuel: muchFuel },
);

attack("a size that the language itself refuses is an error:", {
  "repeat of 2 ** 40": refused("'x'.repeat(2 ** 40);", /RangeError/),
  "padStart of 2 ** 31": refused("'x'.padStart(2 ** 31);", /RangeError/),
  "an array of 2 ** 32": refused("new Array(2 ** 32);", /RangeError/),
  "a typed array of 4 GB": refused("new Uint8Array(2 ** 32);", /RangeError/),
  "a typed array of 2 ** 53": refused("new Float64Array(2 ** 53 - 1);", /RangeError/),
  "a buffer of 8 GB": refused("new ArrayBuffer(2 ** 33);", /RangeError/),
  "a text that doubles": refused("let s = 'ab'; for (;;) s += s;", /InternalError: string too long/),
  "a big number of 500 million bits": refused("1n << 500000000n;", /RangeError/),
  "a big number of 2 ** 40 bits": refused("1n << (2n ** 40n);", /RangeError/),
  "an array that cannot be pushed to": refused(
    "const a = { length: 2 ** 53 - 1 }; Array.prototype.push.call(a, 1);",
    /TypeError/,
  ),
});

attack("bombs of JSON:", {
  "parse of 100,000 arrays": refused("JSON.parse('['.repeat(1e5));", /SyntaxError|RangeError/),
  "parse of 100,000 objects": refused("JSON.parse('{\"a\":'.repeat(1e5));", /SyntaxError|RangeError/),
  "parse of a text that ends early": refused("JSON.parse('[' + '1,'.repeat(1e4));", /SyntaxError/),
  "parse of a number of a million digits": { body: "JSON.parse('1'.repeat(1e6));", outcome: "ok" },
  "parse of 100,000 keys of one name": {
    body: "JSON.parse('{' + '\"a\":1,'.repeat(1e5) + '\"a\":2}'); return [];",
    outcome: "ok",
  },
  "parse with a reviver that grows what it walks": {
    body: "JSON.parse('[1]', function (k, v) { if (k === '0') this.push(1); return v; }); return [];",
    outcome: "ok",
  },
  "parse with a reviver without an end": { body: "JSON.parse('[0]', () => { for (;;); });", outcome: "fuel" },
  "stringify of a cycle": refused("const o = {}; o.o = [o]; JSON.stringify(o);", /TypeError/),
  "stringify of a toJSON that loops": {
    body: "JSON.stringify({ toJSON() { for (;;); } });",
    outcome: "fuel",
  },
  "stringify of a toJSON that answers another one": refused(
    "const make = () => ({ toJSON: () => ({ next: make() }) }); JSON.stringify(make());",
    /RangeError|TypeError/,
  ),
  "stringify of a proxy with a million keys": {
    body: "JSON.stringify(new Proxy({}, { ownKeys: () => new Array(1e6).fill('a').map((a, i) => a + i) }));",
    outcome: "fuel",
  },
  "stringify of a proxy of an array of 2 ** 53": {
    body: "JSON.stringify(new Proxy([], { get: (t, k) => (k === 'length' ? 2 ** 53 - 1 : 1) }));",
    outcome: "fuel",
  },
  "stringify of what doubles": {
    body: "let o = {}; for (let i = 0; i < 40; i++) o = { a: o, b: o }; JSON.stringify(o);",
    outcome: "fuel",
  },
  "stringify with a replacer that nests for ever": refused(
    "JSON.stringify({ a: 1 }, (k, v) => ({ k }));",
    /RangeError|TypeError/,
  ),
});
