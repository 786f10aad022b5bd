import { type Attack, attack } from "./attack.ts";

const fuel = (body: string): Attack => ({ body, outcome: "fuel" });

attack("what has no end runs out of fuel:", {
  "a loop of for": fuel("for (;;);"),
  "a loop of while": fuel("while (true) {}"),
  "a loop of do, with continue": fuel("do { continue; } while (1);"),
  "a loop in a getter": fuel("const o = { get x() { for (;;); } }; return o.x;"),
  "getters that ask each other and catch the end of the stack": fuel(
    "const o = { get a() { for (;;) try { return this.b; } catch {} }, get b() { for (;;) try { return this.a; } catch {} } }; return o.a;",
  ),
  "a generator without an end, spread": fuel("function* g() { for (;;) yield; } return [...g()];"),
  "a generator that yields nothing that counts": fuel(
    "function* g() { let i = 0; do { yield i; } while (++i); } for (const x of g());",
  ),
  "a generator that refuses to end": fuel(
    "function* g() { for (;;) try { yield; } finally { continue; } } for (const x of g()) break; return [...g().take(1e9)];",
  ),
  "an iterator that is never done": fuel(
    "new Set({ [Symbol.iterator]: () => ({ next: () => ({ value: 1 }) }) });",
  ),
  "an async loop": fuel("return (async () => { for (;;) await null; })();"),
  "an async loop that nobody waits for": fuel("(async () => { for (;;) await null; })(); return [];"),
  "a chain of promises": fuel("const next = () => Promise.resolve().then(next); return next();"),
  "a thenable that answers itself": fuel(
    "const again = { then(done) { done({ then: this.then }); } }; return (async () => { await again; })();",
  ),
  "a flood of microtasks": fuel(
    "const flood = () => { queueMicrotask(flood); queueMicrotask(flood); }; flood(); return [];",
  ),
  "finally that starts anew": fuel("for (;;) { try { throw 1; } catch { continue; } finally { continue; } }"),
  "a catch around what has no end": fuel("try { for (;;); } catch { return []; } finally { for (;;); }"),
  "a proxy without an end of prototypes": fuel(
    "const p = new Proxy({}, { getPrototypeOf: () => p }); return p instanceof Array;",
  ),
  "a sort whose comparator never agrees": fuel(
    "const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => Math.sin(a.length) > 0 ? 1 : -1);",
  ),
  "an array that grows while it is walked": fuel("const a = [1]; for (const x of a) a.push(x);"),
  "a map that grows while it is walked": fuel(
    "const m = new Map([[0, 0]]); m.forEach((v, k) => m.set({}, v));",
  ),
  "a set that is walked and refilled": fuel(
    "const s = new Set([0]); for (const x of s) { s.delete(x); s.add(x + 1); }",
  ),
  "a length of 2 ** 53": fuel("Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);"),
  "a search in a sparse array": fuel("const a = []; a[4294967294] = 1; a.includes(2);"),
  "a join of holes": fuel("return [new Array(4294967295).join('')];"),
  "an alternation of dates": fuel("for (;;) Date.parse('1970-01-01T00:00:00.000Z');"),
  "a power of big numbers": fuel("let n = 7n; for (;;) n = (n ** 7n) % (2n ** 4000n - 1n);"),
  "a big number as text": fuel("const n = 2n ** 1000000n; for (;;) n.toString();"),
  "a text that is normalised": fuel(
    "const t = '\\u0061\\u0323\\u0307'.repeat(1e5); for (;;) t.normalize('NFC');",
  ),
  "memory that runs out and is caught, again and again": fuel(
    "for (;;) try { const a = []; for (;;) a.push(new Uint8Array(1e6)); } catch {}",
  ),
  "a big number that doubles": fuel("let n = 2n ** 1000n; for (;;) n *= n;"),
  "a never-settling promise": {
    body: "return new Promise(() => {});",
    outcome: "error",
    says: /never settles/,
  },
  "an await of what never settles": {
    body: "return (async () => { await new Promise(() => {}); })();",
    outcome: "error",
    says: /never settles/,
  },
  "an async generator that waits for itself": {
    body: "let g; async function* run() { await g.next(); yield 1; } g = run(); return g.next();",
    outcome: "error",
    says: /never settles/,
  },
});

attack("patterns that backtrack run out of fuel:", {
  "(a+)+$": fuel("/^(a+)+$/.test('a'.repeat(50) + '!');"),
  "(a|aa)+$": fuel("/^(a|aa)+$/.test('a'.repeat(100) + '!');"),
  "(a*)*b": fuel("/(a*)*b/.test('a'.repeat(40));"),
  "(.*a){20}": fuel("/(.*a){20}$/.test('a'.repeat(60) + '!');"),
  "(x+x+)+y": fuel("/(x+x+)+y/.test('x'.repeat(60));"),
  "([a-zA-Z]+)*$": fuel("/^([a-zA-Z]+)*$/.test('a'.repeat(60) + '1');"),
  "an address of mail": fuel(
    "/^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$/.test('a'.repeat(60) + '!');",
  ),
  "spaces at the end, in a long text": fuel("/\\s+$/.test(' '.repeat(2e5) + 'x');"),
  "lazy quantifiers": fuel("/^(a+?)+?$/.test('a'.repeat(50) + '!');"),
  "a lookahead": fuel("/^(?=(a+)+$)/.test('a'.repeat(50) + '!');"),
  "a lookbehind": fuel("/(?<=^(a+)+)$/.test('!' + 'a'.repeat(50));"),
  "back references": fuel("/^(a*)(a*)(a*)(a*)(a*)\\1\\2\\3\\4\\5b$/.test('a'.repeat(200));"),
  "nothing, repeated": {
    body: "return [/(?:){1,1000000}/.test('a') && /(?:(?:)*)*$/.test('a')].filter(() => false);",
    outcome: "ok",
  },
  "a split": fuel("('a'.repeat(50) + '!').split(/(a+)+$/);"),
  "a replace": fuel("('a'.repeat(50) + '!').replace(/(a+)+$/, '');"),
  "a pattern of a million states": { body: "new RegExp('a{1,1000}'.repeat(1000));", outcome: "ok" },
  "repetitions in repetitions": {
    body: "new RegExp('((((a{99}){99}){99}){99}){99}'); return [];",
    outcome: "ok",
  },
});
