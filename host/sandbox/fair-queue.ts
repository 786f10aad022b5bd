/**
 * Deficit round robin (Shreedhar and Varghese, 1995) on two levels: owners share by weight, the lanes of one owner
 * equally. What an item costs is known only afterwards, so a credit may end below zero and is paid back in later rounds.
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

/** One that takes turns. */
type Member = {
  weight: number;
  /** What it may use before its turn is over, in the unit of the costs. */
  credit: number;
  hasTurn: boolean;
  isActive: boolean;
};

type Ring<M extends Member> = {
  readonly isEmpty: boolean;
  add(member: M): void;
  remove(member: M): void;
  /** The member whose turn it is. */
  first(): M | null;
};

function createRing<M extends Member>(quantum: number): Ring<M> {
  const members: M[] = [];
  return {
    get isEmpty() {
      return members.length === 0;
    },
    add(member) {
      if (member.isActive) return;
      member.isActive = true;
      // Whoever had nothing left to do in the middle of a turn goes on with it.
      member.hasTurn &&= member.credit > 0;
      if (member.hasTurn) members.unshift(member);
      else members.push(member);
    },
    remove(member) {
      if (!member.isActive) return;
      member.isActive = false;
      members.splice(members.indexOf(member), 1);
    },
    first() {
      for (let member = members[0]; member !== undefined; member = members[0]) {
        if (!member.hasTurn) member.credit += quantum * member.weight;
        member.hasTurn = member.credit > 0;
        if (member.hasTurn) return member;
        members.push(...members.splice(0, 1));
      }
      return null;
    },
  };
}

type LaneState<T> = Member & {
  readonly fresh: T[];
  readonly known: T[];
  lastWasFresh: boolean;
};

type OwnerState<T> = Member & { readonly lanes: Ring<LaneState<T>>; isHeld: boolean };

/** @param quantum what one turn of an owner of weight 1 may cost */
export function createFairQueue<T>(quantum: number): FairQueue<T> {
  const owners = createRing<OwnerState<T>>(quantum);

  function createLane(owner: OwnerState<T>): Lane<T> {
    const lane: LaneState<T> = {
      ...{ weight: 1, credit: quantum, hasTurn: true, isActive: false },
      ...{ fresh: [], known: [], lastWasFresh: false },
    };
    return {
      push(item, fresh) {
        (fresh ? lane.fresh : lane.known).push(item);
        owner.lanes.add(lane);
        if (!owner.isHeld) owners.add(owner);
      },
      charge(cost) {
        lane.credit -= cost;
        owner.credit -= cost;
      },
    };
  }

  return {
    createOwner(weight) {
      const owner: OwnerState<T> = {
        ...{ weight, credit: quantum * weight, hasTurn: true, isActive: false, isHeld: false },
        lanes: createRing(quantum),
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
      if (lane.fresh.length + lane.known.length === 0) owner.lanes.remove(lane);
      if (owner.lanes.isEmpty) owners.remove(owner);
      return item;
    },
    get isEmpty() {
      return owners.isEmpty;
    },
  };
}

function takeFrom<T>(lane: LaneState<T>): T {
  lane.lastWasFresh = lane.known.length === 0 || (lane.fresh.length > 0 && !lane.lastWasFresh);
  return (lane.lastWasFresh ? lane.fresh : lane.known).shift() as T;
}
