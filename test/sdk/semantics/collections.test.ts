import { js, specify } from "./specify.ts";

specify("maps, sets and weak ones", {
  "keys are the same value, and -0 is 0": js`
    const map = new Map([[NaN, 1], [-0, 2], ["0", 3], [0n, 4]]);
    return [map.get(NaN), map.get(0), Object.is([...map.keys()][1], 0), map.get("0"), map.get(0n),
      map.get(-0), map.has({}), map.size, new Set([1, "1", 1n, true]).size];
  `,
  "order is that of the first insertion": js`
    const map = new Map([["b", 1], ["a", 2]]);
    map.set("b", 9); map.delete("a"); map.set("a", 3); map.set("c", 4);
    return [[...map], map.set("z", 1) === map, map.delete("z"), map.delete("z"), [...new Set("hello")]];
  `,
  "forEach sees what is added and not what is deleted, also after clear": js`
    const map = new Map([[1, 1], [2, 2], [3, 3]]), seen = [];
    map.forEach((v, k, self) => { seen.push(k, self === map);
      if (k === 1) { map.delete(2); map.set(4, 4); } });
    const set = new Set([1, 2]), from = [];
    for (const x of set) { from.push(x); if (x === 1) { set.clear(); set.add(7).add(8); } }
    return [seen, from];
  `,
  "iterators stay good while the map changes": js`
    const map = new Map();
    for (let i = 0; i < 100; i++) map.set(i, i);
    const keys = map.keys();
    keys.next(); keys.next();
    for (let i = 0; i < 50; i++) map.delete(i);
    map.set("new", 1);
    return [keys.next().value, [...keys].length, map.size];
  `,
  "constructors ask add and set, and close what fails": js`
    const log = [];
    class Loud extends Set { add(x) { log.push(x); return super.add(x); } }
    const source = { [Symbol.iterator]: () => ({ next: () => ({ value: 5, done: false }),
      return() { log.push("closed"); return {}; } }) };
    return [new Loud([1, 2]).size, thrown(() => new Map(source)), log, thrown(() => new Map(5)),
      new Map(null).size, thrown(() => Set()), thrown(() => Map.prototype.get.call(new Set(), 1)),
      Object.getOwnPropertyDescriptor(Map.prototype, "size").set];
  `,
  "set methods": js`
    const a = new Set([1, 2, 3, 4]), b = new Set([3, 4, 5]);
    return [a.union(b), a.intersection(b), a.difference(b), a.symmetricDifference(b),
      new Set([3]).isSubsetOf(b), a.isSupersetOf(new Set([1])), a.isDisjointFrom(new Set([9])),
      b.intersection(a), new Set([4, 3, 9, 1]).intersection(new Set([1, 3])), a.size];
  `,
  "set methods take whatever has size, has and keys": js`
    const like = { size: 2, has: (x) => x === 1 || x === 7, keys: () => [1, 7].values() };
    const a = new Set([1, 2]);
    return [a.union(like), a.intersection(like), a.difference(like), a.union(new Map([[5, 6]])),
      thrown(() => a.union([1])), thrown(() => a.union({ size: NaN, has() {}, keys() {} })),
      thrown(() => a.union({ size: -1, has() {}, keys() {} })),
      thrown(() => a.isSubsetOf({ size: 5, has: 1, keys() {} })),
      a.isSubsetOf({ size: Infinity, has: () => true, keys: () => 1 })];
  `,
  "groupBy of Map keeps keys of any kind": js`
    const one = {}, two = {};
    const map = Map.groupBy([1, 2, 3], (x, i) => (i % 2 ? one : two));
    return [map.get(one), map.get(two), map.size];
  `,
  "weak maps and sets take objects and symbols of one's own": js`
    const weak = new WeakMap(), key = {}, s = Symbol();
    weak.set(key, 1).set(s, 2);
    const set = new WeakSet([key]);
    return [weak.get(key), weak.has({}), weak.get(s), thrown(() => weak.set(1, 1)),
      thrown(() => weak.set(Symbol.for("x"), 1)), weak.delete(key), weak.has(key), set.has(key),
      thrown(() => set.add("x")), weak.get(5), set.delete(5), weak.size];
  `,
  "a WeakRef holds what somebody else holds": js`
    const target = { v: 1 };
    const ref = new WeakRef(target);
    await null;
    return [ref.deref().v, ref.deref() === target, thrown(() => new WeakRef(1)),
      Object.prototype.toString.call(ref), thrown(() => WeakRef({}))];
  `,
  "a FinalizationRegistry registers and unregisters": js`
    const registry = new FinalizationRegistry(() => {});
    const token = {}, held = {};
    return [registry.register(held, 1, token), registry.unregister(token), registry.unregister(token),
      thrown(() => registry.register(token, token)), thrown(() => registry.register(1)),
      thrown(() => new FinalizationRegistry()), typeof held];
  `,
  "many keys of each kind are found again": js`
    const map = new Map(), objects = Array.from({ length: 1500 }, (_, i) => ({ i }));
    for (let i = 0; i < 1500; i++) map.set(i, i).set("k" + i, i).set(i + 0.5, i);
    for (const o of objects) map.set(o, o.i);
    for (let i = 0; i < 1500; i += 2) map.delete(i);
    let sum = 0;
    for (const value of map.values()) sum += value;
    return [map.size, sum, map.get("k1499"), map.get(1498), map.get(1499), map.get(77.5),
      map.get(objects[1234])];
  `,
  "getOrInsert, where the engine has it, agrees": js`
    if (typeof Map.prototype.getOrInsert !== "function") return "absent";
    const map = new Map([["a", 1]]);
    return [map.getOrInsert("a", 2), map.getOrInsert("b", 3),
      map.getOrInsertComputed("c", (key) => key + "!"), [...map]];
  `,
});
