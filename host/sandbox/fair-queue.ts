/**
 * Earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995) on two levels: owners share by weight, the lanes
 * of one owner equally. Of those that have used no more than their share the one goes first whose next item is due first, and an item
 * that comes for the first time is taken for a short one. What an item cost is told afterwards.
 */
export type FairQueue<T> = {
  createOwner(weight: number): Owner<T>;
  /** Takes the item whose turn it is; null when all that wait belong to owners that are held back. */
  next(): T | null;
  /** Nothing waits that may be taken now. */
  readonly isEmpty: boolean;
};

export type Owner<T> = {
  /** How much it may use beside another owner of weight 1. */
  setWeight(weight: number): void;
  createLane(): Lane<T>;
  /** Keeps its items waiting, or lets them go on. */
  hold(held: boolean): void;
};

export type Lane<T> = {
  /** `fresh` items and others are taken by turns: one that comes for the first time passes those that come again and again. */
  push(item: T, fresh: boolean): void;
  /** What an item of this lane has cost. */
  charge(cost: number): void;
};

/** In the unit of the costs: what an item is taken for until it is known. A call that used up a slice will use more. */
const expected = { fresh: 0.05, known: 2 } as const;

type Member = {
  weight: number;
  /** In virtual time, which costs move on by weight. */
  used: number;
  /** Of its items, those that come for the first time. */
  freshItems: number;
};

type Line<M extends Member> = {
  readonly isEmpty: boolean;
  add(member: M): void;
  remove(member: M): void;
  /** The member whose turn it is. */
  first(): M | null;
  charge(member: M, cost: number): void;
};

function createLine<M extends Member>(): Line<M> {
  const members: M[] = [];
  /** What a member would have used that always got its share. */
  let clock = 0;

  function due({ used, weight, freshItems }: M): number {
    return used + (freshItems > 0 ? expected.fresh : expected.known) / weight;
  }

  return {
    get isEmpty() {
      return members.length === 0;
    },
    add(member) {
      if (members.includes(member)) return;
      // It has saved nothing up while it had nothing to do; what it used too much it still owes.
      member.used = Math.max(member.used, clock);
      members.push(member);
    },
    remove(member) {
      const at = members.indexOf(member);
      if (at >= 0) members.splice(at, 1);
    },
    first() {
      let best: M | null = null;
      let least: M | null = null;
      for (const member of members) {
        if (member.used <= clock && (best === null || due(member) < due(best))) best = member;
        if (least === null || member.used < least.used) least = member;
      }
      return best ?? least;
    },
    charge(member, cost) {
      member.used += cost / member.weight;
      const others = members.reduce((sum, other) => sum + (other === member ? 0 : other.weight), 0);
      clock += cost / (member.weight + others);
    },
  };
}

type LaneState<T> = Member & { readonly fresh: T[]; readonly known: T[]; lastWasFresh: boolean };

type OwnerState<T> = Member & { readonly lanes: Line<LaneState<T>>; isHeld: boolean };

export function createFairQueue<T>(): FairQueue<T> {
  const owners = createLine<OwnerState<T>>();

  function createLane(owner: OwnerState<T>): Lane<T> {
    const lane: LaneState<T> = {
      ...{ weight: 1, used: 0, freshItems: 0 },
      ...{ fresh: [], known: [], lastWasFresh: false },
    };
    return {
      push(item, fresh) {
        (fresh ? lane.fresh : lane.known).push(item);
        if (fresh) countFresh(1, owner, lane);
        owner.lanes.add(lane);
        if (!owner.isHeld) owners.add(owner);
      },
      charge(cost) {
        owner.lanes.charge(lane, cost);
        owners.charge(owner, cost);
      },
    };
  }

  return {
    createOwner(weight) {
      const owner: OwnerState<T> = {
        ...{ weight, used: 0, freshItems: 0 },
        ...{ lanes: createLine<LaneState<T>>(), isHeld: false },
      };
      return {
        setWeight(changed) {
          owner.weight = changed;
        },
        createLane: () => createLane(owner),
        hold(held) {
          owner.isHeld = held;
          if (held) owners.remove(owner);
          else if (!owner.lanes.isEmpty) owners.add(owner);
        },
      };
    },
    next() {
      const owner = owners.first();
      const lane = owner?.lanes.first() ?? null;
      if (owner === null || lane === null) return null;
      const item = takeFrom(lane);
      if (lane.lastWasFresh) countFresh(-1, owner, lane);
      if (lane.fresh.length + lane.known.length === 0) owner.lanes.remove(lane);
      if (owner.lanes.isEmpty) owners.remove(owner);
      return item;
    },
    get isEmpty() {
      return owners.isEmpty;
    },
  };
}

function countFresh(by: 1 | -1, ...members: readonly Member[]): void {
  for (const member of members) member.freshItems += by;
}

function takeFrom<T>(lane: LaneState<T>): T {
  lane.lastWasFresh = lane.known.length === 0 || (lane.fresh.length > 0 && !lane.lastWasFresh);
  return (lane.lastWasFresh ? lane.fresh : lane.known).shift() as T;
}
