import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createFairQueue, type Lane } from "#host/sandbox/fair-queue.ts";

/** Lanes of owners with these weights, each with endless work of one cost; how much each has got after `rounds` items. */
function shares(owners: readonly { weight: number; costs: readonly number[] }[], rounds: number): number[][] {
  const queue = createFairQueue<() => void>();
  const used = owners.map(({ costs }) => costs.map(() => 0));
  for (const [at, { weight, costs }] of owners.entries()) {
    const owner = queue.createOwner(weight);
    for (const [index, cost] of costs.entries()) {
      const lane = owner.createLane();
      const work = () => {
        lane.charge(cost);
        (used[at] as number[])[index] = (used[at]?.[index] ?? 0) + cost;
        lane.push(work, false);
      };
      lane.push(work, true);
    }
  }
  for (let round = 0; round < rounds; round += 1) queue.next()?.();
  return used;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("owners share by weight what their items cost, whatever one item costs and however many lanes they have", () => {
  const [few = [], many = [], heavy = []] = shares(
    [
      { weight: 1, costs: [0.2] },
      { weight: 1, costs: Array.from({ length: 50 }, () => 3) },
      { weight: 2, costs: [0.5, 0.5] },
    ],
    40_000,
  );
  const total = sum([...few, ...many, ...heavy]);
  assert.ok(Math.abs(sum(few) / total - 1 / 4) < 0.01);
  assert.ok(Math.abs(sum(many) / total - 1 / 4) < 0.01);
  assert.ok(Math.abs(sum(heavy) / total - 1 / 2) < 0.01);
});

test("lanes of one owner share alike", () => {
  const [lanes = []] = shares([{ weight: 1, costs: [0.1, 1, 2.5] }], 20_000);
  for (const used of lanes) assert.ok(Math.abs(used / sum(lanes) - 1 / 3) < 0.01);
});

test("an item that comes for the first time waits for one other of its lane, not for all that come again", () => {
  const queue = createFairQueue<string>();
  const lane = queue.createOwner(1).createLane();
  for (let index = 0; index < 100; index += 1) lane.push("again", false);
  lane.push("first", true);
  assert.ok([queue.next(), queue.next()].includes("first"));
});

test("many that come for the first time do not starve one that comes again", () => {
  const queue = createFairQueue<string>();
  const lane = queue.createOwner(1).createLane();
  for (let index = 0; index < 100; index += 1) lane.push("first", true);
  lane.push("again", false);
  assert.ok([queue.next(), queue.next()].includes("again"));
});

test("an owner that is held back keeps its items, and nobody waits for it", () => {
  const queue = createFairQueue<string>();
  const [held, free] = [queue.createOwner(1), queue.createOwner(1)];
  held.createLane().push("held", true);
  held.hold(true);
  free.createLane().push("free", true);
  assert.equal(queue.next(), "free");
  assert.equal(queue.isEmpty, true);
  assert.equal(queue.next(), null);
  held.hold(false);
  assert.equal(queue.next(), "held");
});

test("an owner owes nothing for what it used while nobody else was there", () => {
  for (const through of ["the queue", "no queue"]) {
    const queue = createFairQueue<string>();
    const [early, late] = [queue.createOwner(1).createLane(), queue.createOwner(1).createLane()];
    for (let index = 0; index < 1_000; index += 1) {
      if (through === "the queue") early.push("early", false);
      if (through === "the queue") queue.next();
      early.charge(1);
    }
    for (let index = 0; index < 10; index += 1) {
      early.push("early", false);
      late.push("late", false);
    }
    const order = Array.from({ length: 10 }, () => {
      const next = queue.next();
      (next === "early" ? early : late).charge(1);
      return next;
    });
    assert.equal(order.filter((one) => one === "early").length, 5, order.join());
  }
});

test("an owner that uses little goes before a hundred that use all they can", () => {
  const queue = createFairQueue<string>();
  const lanes = Array.from({ length: 100 }, () => queue.createOwner(1).createLane());
  const little = queue.createOwner(1).createLane();
  const spin = () => {
    const next = Number(queue.next());
    lanes[next]?.charge(0.5);
    lanes[next]?.push(String(next), false);
  };
  for (const [at, lane] of lanes.entries()) lane.push(String(at), true);
  for (let round = 0; round < 10_000; round += 1) {
    spin();
    // For the first time all hundred of them are new.
    if (round < 100 || round % 10 !== 0) continue;
    little.push("little", true);
    assert.equal(queue.next(), "little");
    little.charge(0.02);
  }
});

test("saving up is of no use: who comes back after a long time gets no more than the others", () => {
  const queue = createFairQueue<string>();
  const [busy, idle] = [queue.createOwner(1).createLane(), queue.createOwner(1).createLane()];
  for (let index = 0; index < 100; index += 1) {
    busy.push("busy", false);
    queue.next();
    busy.charge(1);
  }
  for (let index = 0; index < 10; index += 1) {
    busy.push("busy", false);
    idle.push("idle", false);
  }
  const order = Array.from({ length: 10 }, () => {
    const next = queue.next();
    (next === "busy" ? busy : idle).charge(1);
    return next;
  });
  assert.equal(order.filter((one) => one === "idle").length, 5, order.join());
});

test("every item comes out exactly once, in the order of its lane and kind", () => {
  const step = fc.oneof(
    fc.record({ lane: fc.nat(5), fresh: fc.boolean() }),
    fc.record({ cost: fc.double({ min: 0, max: 20, noNaN: true }) }),
    fc.record({ hold: fc.nat(2), held: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = createFairQueue<{ lane: number; fresh: boolean; at: number }>();
      const owners = [0.1, 1, 7].map((weight) => queue.createOwner(weight));
      const lanes = [0, 1, 2, 3, 4, 5].map((index) => owners[index % 3]?.createLane() as Lane<unknown>);
      const waiting = new Set<number>();
      const last = new Map<string, number>();
      const take = () => {
        const item = queue.next();
        if (item === null) return false;
        assert.ok(waiting.delete(item.at));
        const kind = `${item.lane} ${item.fresh}`;
        assert.ok((last.get(kind) ?? -1) < item.at);
        last.set(kind, item.at);
        return true;
      };
      for (const [at, one] of steps.entries()) {
        if ("lane" in one) {
          lanes[one.lane]?.push({ ...one, at }, one.fresh);
          waiting.add(at);
        } else if ("cost" in one) {
          lanes[at % 6]?.charge(one.cost);
          take();
        } else owners[one.hold]?.hold(one.held);
      }
      for (const owner of owners) owner.hold(false);
      while (take());
      assert.equal(waiting.size, 0);
      assert.equal(queue.isEmpty, true);
    }),
  );
});
