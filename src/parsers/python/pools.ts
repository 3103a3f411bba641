/**
 * Sets of many values that are no longer told apart: all names that one flows into share it, and it grows
 * in place, so that following a module costs as much as its values, not their number times that of its names.
 * Where values are unified rather than copied: Steensgaard, Points-to Analysis in Almost Linear Time, POPL 1996.
 *
 * @module
 */

import { carrierKind, isCarrier } from "./sinks.ts";
import {
  type Constant,
  type Container,
  isInert,
  isSameConstant,
  type Outer,
  PACKED,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  type Value,
  type Values,
} from "./values.ts";

/** Values of one pool. The most in 316 packages in use are 1,026. CWE-770. */
const POOL = 4096;
/** Constants of one pool; beyond, it is unknown which. */
const CONSTANTS = 16;

/** Values that are not told apart. */
interface Pool {
  /** Its values, and those for which another one of them stands. */
  readonly members: Set<Value>;
  /** One list, tuple, set and mapping, and one of each kind of what only carries something. */
  readonly alike: Map<string, Value>;
  /** The sets that are this pool: one, and those of the pools that it was unified with. */
  readonly sets: Value[][];
  constants: readonly Constant[];
}

/** What pools need of the evaluation that they belong to. */
interface Owner {
  /** A pool has grown, which all that is read from it depends on. */
  grown(): void;
  /** A pool has more values than are followed. */
  full(): void;
  step(count: number): void;
}

/** All pools of one evaluation. */
export class Pools {
  readonly #owner: Owner;
  readonly #pools = new WeakMap<Values, Pool>();
  /** The pool in which a value was put first. */
  readonly #homes = new WeakMap<Value, Pool>();
  #waiting: (readonly [Pool, Container | Outer])[] = [];

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** True for a set that grows in place. */
  has(values: Values): boolean {
    return this.#pools.has(values);
  }

  /** The value that stands for one in its pool; most stand for themselves. */
  likeOf(value: Value): Value {
    if (value.kind !== "container" && value.kind !== "outer" && value.kind !== "method") {
      return value;
    }
    const pool = this.#homes.get(value);
    if (pool === undefined) return value;
    return pool.alike.get(kindOf(value) ?? "") ?? value;
  }

  /**
   * Adds values to a set that grows in place.
   *
   * @returns false where the set is none, and nothing was added
   */
  pour(into: Values, values: Values): boolean {
    const pool = this.#pools.get(into);
    if (pool === undefined) return false;
    this.#pour(pool, values);
    this.#absorbAll();
    return true;
  }

  /** Makes a set one that grows in place: that of its values which are in one already. */
  pooled(values: Values): Values {
    const known = this.#pools.get(values);
    if (known !== undefined) return values;
    let pool: Pool | undefined;
    for (const each of values) {
      const home = this.#homes.get(each);
      if (home === undefined || home === pool) continue;
      if (pool === undefined) pool = home;
      else pool = this.#unified(pool, home);
    }
    if (pool === undefined) {
      pool = { members: new Set(), alike: new Map(), sets: [[]], constants: [] };
      for (const each of pool.sets) this.#pools.set(each, pool);
    }
    this.#pour(pool, values);
    this.#absorbAll();
    return pool.sets[0] ?? values;
  }

  /** Gives a container the values of a set that grows in place, of which some flowed into it. */
  absorb(container: Container, into: Values): void {
    const pool = this.#pools.get(into);
    if (pool === undefined) return;
    this.#waiting.push([pool, container]);
    this.#absorbAll();
  }

  #pour(pool: Pool, values: Values): void {
    const other = this.#pools.get(values);
    if (other === pool) return;
    if (other !== undefined) {
      this.#unified(pool, other);
      return;
    }
    this.#owner.step(values.length >> 4);
    let isNew = false;
    for (const each of values) isNew = this.#add(pool, each) || isNew;
    if (isNew) this.#owner.grown();
    if (pool.members.size > POOL) this.#owner.full();
  }

  #add(pool: Pool, given: Value): boolean {
    let value = given;
    if (pool.members.has(value)) return false;
    if (isInert(value)) value = PACKED;
    if (value.kind === "constant") {
      const constant = value;
      if (value !== PACKED && pool.constants.some((each) => isSameConstant(each, constant))) {
        return false;
      }
      if (value !== PACKED && pool.constants.length >= CONSTANTS) {
        value = value.hidden ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT;
      }
      if (pool.members.has(value)) return false;
      pool.constants = [...pool.constants, constant];
    }
    pool.members.add(value);
    if (value.kind !== "constant" && !this.#homes.has(value)) this.#homes.set(value, pool);
    const kind = kindOf(value);
    if (kind !== undefined) {
      // They are filled from the pool, and so all that they hold is the same.
      if (value.kind === "container" || value.kind === "outer") this.#waiting.push([pool, value]);
      if (pool.alike.has(kind)) return false;
      pool.alike.set(kind, value);
    }
    for (const each of pool.sets) each.push(value);
    return true;
  }

  /** Makes one pool of two. */
  #unified(a: Pool, b: Pool): Pool {
    const [into, from] = a.members.size >= b.members.size ? [a, b] : [b, a];
    this.#owner.step((into.members.size + from.members.size) >> 3);
    const [before = []] = into.sets;
    const [own = []] = from.sets;
    const added: Value[] = [];
    for (const each of own) {
      const kind = kindOf(each);
      if (kind === undefined ? into.members.has(each) : into.alike.has(kind)) continue;
      if (kind !== undefined) into.alike.set(kind, each);
      added.push(each);
    }
    for (const each of from.members) {
      if (this.#homes.get(each) === from) this.#homes.set(each, into);
      into.members.add(each);
    }
    const has = new Set(own);
    const missing = before.filter((each) => !has.has(each));
    for (const each of from.sets) {
      this.#pools.set(each, into);
      for (const value of missing) each.push(value);
    }
    for (const each of into.sets) for (const value of added) each.push(value);
    into.sets.push(...from.sets);
    into.constants = [...into.constants, ...from.constants];
    this.#owner.grown();
    if (into.members.size > POOL) this.#owner.full();
    return into;
  }

  /** What a value holds that is in a pool is in the pool, at no place. */
  #absorbAll(): void {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      const [{ sets: [first] }, value] = next;
      const pool = first && this.#pools.get(first);
      if (pool === undefined || first === undefined) continue;
      if (value.kind === "outer") {
        const { carries } = value;
        if (this.#pools.get(carries) === pool) continue;
        value.carries = first;
        value.isPooled = true;
        this.#pour(pool, carries);
      } else {
        const { items, rest } = value;
        if (items.size === 0 && this.#pools.get(rest) === pool) continue;
        const inner = [...items.values()];
        if (items.has("<keys>")) value.isKeyed = true;
        items.clear();
        value.all = undefined;
        value.rest = first;
        // How many there are, and where, is not known.
        if (value.type !== "dict") this.#pour(pool, [UNKNOWN_CONSTANT]);
        for (const each of [rest, ...inner]) {
          const now = this.#pools.get(first);
          if (now !== undefined) this.#pour(now, each);
        }
      }
      const like = pool.alike.get(kindOf(value) ?? "");
      if (value.kind === "container" && value.isKeyed && like?.kind === "container") {
        like.isKeyed = true;
      }
      this.#owner.grown();
    }
  }
}

/** Of values all of which hold the same where they are in a pool, what tells them apart. */
function kindOf(value: Value): string | undefined {
  if (value.kind === "container") return value.type;
  if (value.kind === "method" && value.self.kind === "container") {
    return `${value.self.type}.${value.name}`;
  }
  return value.kind === "outer" && isCarrier(value) ? carrierKind(value.path) : undefined;
}
