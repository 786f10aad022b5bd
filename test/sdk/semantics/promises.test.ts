import { js, specify } from "./specify.ts";

specify("promises", {
  "a job runs after the code that made it, in the order of making": js`
    const log = [];
    Promise.resolve().then(() => log.push("a")).then(() => log.push("c"));
    Promise.resolve().then(() => log.push("b")).then(() => log.push("d"));
    log.push("first");
    await new Promise((done) => Promise.resolve().then(() => {}).then(() => {}).then(done));
    return log;
  `,
  "await of a value takes one turn, of a native promise one, of a thenable two": js`
    const log = [];
    const count = async (name, value) => { await value; log.push(name); };
    const tick = async () => { for (let i = 1; i <= 5; i++) { await null; log.push(i); } };
    await Promise.all([count("thenable", { then(done) { done(); } }), count("promise", Promise.resolve()),
      count("value", 1), tick()]);
    return log;
  `,
  "return of a promise from an async function takes three turns": js`
    const log = [];
    const tick = async () => { for (let i = 1; i <= 6; i++) { await null; log.push(i); } };
    await Promise.all([
      (async () => Promise.resolve())().then(() => log.push("returned")),
      (async () => { await Promise.resolve(); })().then(() => log.push("awaited")),
      (async () => {})().then(() => log.push("nothing")),
      new Promise((done) => done(Promise.resolve())).then(() => log.push("resolved")),
      tick(),
    ]);
    return log;
  `,
  "an async function runs up to its first await at once": js`
    const log = [];
    const run = async () => { log.push(1); await null; log.push(3); };
    const done = run();
    log.push(2);
    await done;
    return log;
  `,
  "queueMicrotask is in line with promises": js`
    const log = [];
    Promise.resolve().then(() => log.push("a"));
    queueMicrotask(() => log.push("b"));
    Promise.resolve().then(() => log.push("c"));
    await new Promise((done) => queueMicrotask(() => queueMicrotask(done)));
    return log;
  `,
  "a promise is settled once": js`
    const results = [];
    for (const run of [
      (done, fail) => { done(1); fail(2); done(3); },
      (done, fail) => { fail(1); done(2); },
      (done) => { done(1); throw 2; },
      () => { throw 1; },
    ]) results.push(await new Promise(run).then((value) => ["done", value], (reason) => ["failed", reason]));
    return results;
  `,
  "a thenable is asked later, once, and its throw after settling is lost": js`
    const log = [];
    const thenable = { get then() { log.push("get");
      return (done) => { log.push("call"); done("value"); throw "lost"; }; } };
    const promise = Promise.resolve(thenable);
    log.push("sync");
    log.push(await promise);
    return log;
  `,
  "a then that throws while it is read rejects": js`
    const bad = { get then() { throw "no"; } };
    return [await Promise.resolve(bad).catch((reason) => reason),
      await Promise.all([bad]).catch((reason) => reason), await new Promise((done) => done({ then: 5 }))];
  `,
  "a promise resolved with itself is rejected": js`
    let done;
    const own = new Promise((resolve) => { done = resolve; });
    done(own);
    return own.catch((reason) => reason.constructor.name);
  `,
  "finally passes on, waits, and only a failure of its own changes the outcome": js`
    const log = [];
    const pass = (value) => { log.push(value); };
    return [
      await Promise.resolve(1).finally((...all) => { log.push(all.length); return 2; }),
      await Promise.reject(3).finally(() => 4).catch((reason) => reason),
      await Promise.resolve(5).finally(() => { throw 6; }).catch((reason) => reason),
      await Promise.resolve(7).finally(() => Promise.reject(8)).catch((reason) => reason),
      await Promise.resolve(9).finally(undefined),
      await Promise.resolve().finally(async () => { await null; log.push("waited");
        }).then(() => pass("after")),
      log,
    ];
  `,
  "all keeps the order of its input and fails with the first failure": js`
    const later = (value,
      turns) => turns === 0 ? Promise.resolve(value) : Promise.resolve().then(() => later(value, turns - 1));
    return [
      await Promise.all([later("a", 5), "b", later("c", 1)]),
      await Promise.all([]),
      await Promise.all([later(1, 3).then(() => { throw "slow"; }),
        later(1, 1).then(() => { throw "fast"; })]).catch((reason) => reason),
      await Promise.all(new Set([1, 2])),
      await Promise.all(5).catch((reason) => reason.constructor.name),
    ];
  `,
  "allSettled, any and race": js`
    return [
      await Promise.allSettled([1, Promise.reject("no"), { then: (done) => done(2) }]),
      await Promise.any([Promise.reject(1), Promise.resolve(2), 3]),
      await Promise.any([Promise.reject(1), Promise.reject(2)]).catch((error) => [error.constructor.name,
        error.errors]),
      await Promise.any([]).catch((error) => error.errors),
      await Promise.race([new Promise(() => {}), Promise.resolve("first"), "second"]),
      await Promise.race([Promise.reject("failed"), 1]).catch((reason) => reason),
    ];
  `,
  "combinators close the iterator when resolve throws": js`
    const log = [];
    const iterable = { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }),
      return() { log.push("closed"); return {}; } }) };
    class Odd extends Promise { static resolve() { throw "no"; } }
    return [await Odd.all(iterable).catch((reason) => reason), log];
  `,
  "withResolvers and try": js`
    const { promise, resolve } = Promise.withResolvers();
    resolve(1);
    return [await promise, await Promise.try((a, b) => a + b, 1, 2),
      await Promise.try(() => { throw "no"; }).catch((reason) => reason), await Promise.try(async () => 4)];
  `,
  "a subclass's then makes promises of the subclass": js`
    class Mine extends Promise { static count = 0; constructor(run) { super(run); Mine.count++; } }
    const one = Mine.resolve(1);
    const two = one.then((value) => value + 1);
    class Plain extends Mine { static get [Symbol.species]() { return Promise; } }
    return [two instanceof Mine, await two, Mine.count, Plain.resolve(1).then() instanceof Mine,
      Promise.resolve(one) === one, Mine.resolve(one) === one, (async () => {})() instanceof Mine];
  `,
  "await in every place of an expression": js`
    const one = async (value) => value;
    const o = { [await one("k")]: await one(1), f: async (a = 5) => a };
    let sum = 1;
    const raised = async () => { sum = 10; return 1; };
    sum += await raised();
    return [o.k, await o.f(), [await one(1), await one(2)], \`\${await one("t")}\`, (await one([3]))[0],
      await one(await one(4)), sum, !(await one(false)), typeof await one(1), (await one(0)) || "or",
      (await one(null)) ?? "nullish"];
  `,
  "try, catch and finally around await": js`
    const log = [];
    const run = async () => {
      try { await Promise.reject("a"); log.push("never"); }
      catch (reason) { log.push(reason); await null; return "returned"; }
      finally { await null; log.push("finally"); }
    };
    const over = async () => { try { return "first"; } finally { await null; return "second"; } };
    const rethrow = async () => { try { throw 1; } finally { await null; } };
    return [await run(), log, await over(), await rethrow().catch((reason) => reason)];
  `,
  "a failure of an async function's parameters rejects": js`
    const run = async (a = (() => { throw "default"; })()) => a;
    const destructured = async ({ b }) => b;
    return [await run().catch((reason) => reason),
      await destructured(null).catch((reason) => reason.constructor.name)];
  `,
  "async arrows, methods and their this": js`
    class A { #x = 1; async get() { return this.#x; } static async make() { return new this();
      } later = async () => this.#x + 1; async *all() { yield this.#x; } }
    const a = await A.make();
    const { later } = a;
    return [await a.get(), await later(), (await a.all().next()).value, thrown(() => new a.get()),
      Object.prototype.toString.call(a.get)];
  `,
  "an async generator answers its calls in order": js`
    const log = [];
    async function* numbers() { try { const got = yield 1; log.push(got); yield Promise.resolve(2);
      } finally { log.push("over"); } }
    const g = numbers();
    const all = await Promise.all([g.next("ignored"), g.next("sent"), g.return("end"), g.next()]);
    return [all, log];
  `,
  "an async generator's throw and return": js`
    async function* tough() { for (;;) { try { yield 1; } catch (reason) { yield "caught " + reason; } } }
    const g = tough();
    const fresh = tough();
    return [await g.next(), await g.throw("x"), await g.next(), await g.return(Promise.resolve("r")),
      await g.next(), await fresh.throw("early").catch((reason) => reason), await fresh.next()];
  `,
  "yield awaits, and a rejected value throws at the yield": js`
    async function* run() { try { yield Promise.reject("no"); } catch (reason) { yield "caught " + reason; } }
    const all = [];
    for await (const one of run()) all.push(one);
    return all;
  `,
  "yield* in an async generator takes iterables of both kinds": js`
    async function* inner() { yield 1; return "inner"; }
    async function* outer() { const got = yield* inner(); yield got; yield* [Promise.resolve(2), 3]; }
    const all = [];
    for await (const one of outer()) all.push(one);
    return all;
  `,
  "for await awaits the values of a plain iterable, and closes it": js`
    const log = [];
    const source = { i: 0, [Symbol.iterator]() { return this; },
      next() { return { value: Promise.resolve(this.i++), done: false }; },
      return() { log.push("closed"); return {}; } };
    for await (const one of source) { log.push(one); if (one === 2) break; }
    const failing = { [Symbol.asyncIterator]: () => ({ next: async () => ({ value: 1, done: false }),
      return: async () => { log.push("awaited close"); return {}; } }) };
    try { for await (const one of failing) throw "out"; } catch (reason) { log.push(reason); }
    return log;
  `,
  "a rejected value of a plain iterable ends for await": js`
    const log = [];
    function* source() { try { yield 1; yield Promise.reject("no"); yield 3;
      } finally { log.push("finally"); } }
    try { for await (const one of source()) log.push(one); } catch (reason) { log.push(reason); }
    return log;
  `,
  "Array.fromAsync": js`
    async function* three() { yield 1; yield 2; yield 3; }
    return [await Array.fromAsync(three()), await Array.fromAsync([Promise.resolve(1), 2], (x) => x * 2),
      await Array.fromAsync({ length: 2, 0: "a", 1: Promise.resolve("b") })];
  `,
  "rejections handled late do no harm": js`
    const late = Promise.reject("late");
    for (let i = 0; i < 5; i++) await null;
    return late.catch((reason) => reason);
  `,
  "a thousand promises keep their order": js`
    const log = [];
    await Promise.all(Array.from({ length: 1000 },
      async (_, i) => { for (let n = 0; n < i % 3; n++) await null; log.push(i); }));
    return [log.length, log.slice(0, 8), log.slice(-5), log.reduce((hash, i) => (hash * 31 + i) | 0, 7)];
  `,
});
