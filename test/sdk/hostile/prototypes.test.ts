import { type Attack, attack } from "./attack.ts";

const change = (body: string, outcome: Attack["outcome"] = "ok"): Attack => ({
  body: `${body} return { type: "tag", name: "t", value: "v" };`,
  outcome,
});

/** Each is gone in the next call: attack.ts compares its answer with the one before. */
attack("a call that changes what everything is made of changes no other call:", {
  "Object.prototype": change(
    "Object.prototype.polluted = 1; Object.prototype.x = [5]; Object.prototype.found = 'polluted'; Object.prototype.value = 1;",
  ),
  "Object.prototype with setters": change(
    "for (const key of ['x', 'k', 'found', 'effects']) Object.defineProperty(Object.prototype, key, { set() {}, get: () => 'polluted', configurable: true });",
  ),
  "Array.prototype": change(
    "Array.prototype[0] = 'polluted'; Array.prototype.push = () => 0; Array.prototype.join = () => 'polluted'; Array.prototype.map = () => []; Array.prototype.sort = () => [];",
  ),
  "Array.prototype.filter and Object.entries": change(
    "Array.prototype.filter = () => []; Object.entries = () => []; Object.keys = () => ['polluted'];",
  ),
  "JSON.parse": change("JSON.parse = () => ({ kind: 'polluted' });"),
  "JSON.stringify": change('JSON.stringify = () => \'{"effects":[{"type":"respond"}]}\';'),
  "JSON itself": change("globalThis.JSON = { parse: () => ({}), stringify: () => 'x' };"),
  "Promise.prototype.then": change("Promise.prototype.then = function () { return this; };"),
  "Promise.prototype.then, for an async answer": {
    body: "Promise.prototype.then = () => 'polluted'; return Promise.resolve([]);",
    outcome: "ok",
    says: /^$/,
  },
  "Promise itself and its constructor": change(
    "globalThis.Promise = class {}; Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1; } });",
  ),
  "Symbol.iterator of arrays": change("Array.prototype[Symbol.iterator] = () => { throw 1; };"),
  "the iterators of arrays": change(
    "Object.getPrototypeOf([].values()).next = () => ({ done: true }); Map.prototype[Symbol.iterator] = () => [].values();",
  ),
  "Symbol.hasInstance of Promise and Array": change(
    "Object.defineProperty(Promise, Symbol.hasInstance, { value: () => false }); Object.defineProperty(Array, Symbol.hasInstance, { value: () => true });",
  ),
  "Symbol.species": change(
    "Object.defineProperty(Array, Symbol.species, { value: class { length = 9; } }); Object.defineProperty(Promise, Symbol.species, { get() { throw 1; } });",
  ),
  "Error.prepareStackTrace": change("Error.prepareStackTrace = () => 'polluted';"),
  "Error.prototype": change(
    "Error.prototype.toString = () => 'polluted'; TypeError.prototype.name = 'Polluted';",
  ),
  "Function.prototype.call": change(
    "Function.prototype.call = () => 'polluted'; Function.prototype.apply = () => 'polluted'; Function.prototype.bind = () => () => 'polluted';",
  ),
  "RegExp.prototype.exec": change(
    "RegExp.prototype.exec = () => null; RegExp.prototype[Symbol.replace] = () => 'polluted';",
  ),
  "String.prototype": change(
    "String.prototype.replace = () => 'polluted'; String.prototype.toWellFormed = () => 'polluted'; String.prototype.split = () => ['polluted'];",
  ),
  "Date and its prototype": change(
    "Date.prototype.toISOString = () => 'polluted'; globalThis.Date = class { static now() { return 7; } };",
  ),
  "Math.random and Math.max": change("Math.random = () => 7; Math.max = () => 'polluted';"),
  "Map.prototype": change("Map.prototype.get = () => 'polluted'; Set.prototype.add = () => 5;"),
  "String and Array, the functions": change(
    "globalThis.String = () => 'polluted'; globalThis.Array = { isArray: () => false };",
  ),
  "prototypes of the prototypes": change(
    "Object.setPrototypeOf(Array.prototype, null); Object.setPrototypeOf(Function.prototype, { polluted: 1 });",
  ),
  "the global object's prototype": change(
    "Object.setPrototypeOf(globalThis, new Proxy({}, { get: () => 'polluted' }));",
  ),
  "every global deleted": change(
    "for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name]; } catch {}",
    "error",
  ),
  "every method deleted": change(
    "for (const holder of [Object.prototype, Array.prototype, Function.prototype, Promise.prototype, Error.prototype, String.prototype, Symbol.prototype]) for (const key of Reflect.ownKeys(holder)) try { delete holder[key]; } catch {}",
    "error",
  ),
  "everything frozen": change(
    "for (const name of Object.getOwnPropertyNames(globalThis)) { const v = globalThis[name]; if (typeof v === 'function') { Object.freeze(v); Object.freeze(v.prototype); } } Object.freeze(globalThis);",
  ),
  "the prototypes of generators and of async functions": change(
    "(async function* () {}).constructor.prototype.prototype.next = () => 'polluted'; (async () => {}).constructor.prototype.call = 5; Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype))[Symbol.asyncIterator] = 5;",
  ),
  "the input's own objects": change("input.__proto__.polluted = 1; Object.freeze(input);"),
  "the host's own objects": change(
    "try { host.log.info = () => {}; host.config = 'polluted'; Object.assign(host, { log: null }); } catch {}",
  ),
  "functions of the plugin itself": change("globalThis.honest = () => 'polluted'; kinds.honest = 5;"),
  "a toJSON for all": {
    body: "Object.prototype.toJSON = () => ({ effects: [{ type: 'respond', status: 200 }] }); return { type: 'tag', name: 't', value: 'v' };",
    outcome: "error",
    says: /RangeError/,
  },
  "a getter for effects": {
    body: "Object.defineProperty(Object.prototype, 'effects', { get: () => [{ type: 'polluted' }], set() {} }); return { type: 'tag', name: 't', value: 'v' };",
    outcome: "ok",
    says: /^\{"effects":\[\{"type":"tag","name":"t","value":"v"\}\]\}$/,
  },
});
