/**
 * Expressions but chains and collections: constants, operators, formatted strings.
 *
 * @module
 */

import { foldOperator, plainText } from "./fold.ts";
import type { ExpressionsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried, isNotableText } from "./sinks.ts";
import type { Expression } from "./syntax.ts";
import {
  type Constant,
  constantOf,
  type Container,
  containerOf,
  itemsOf,
  known,
  MODULE_NAME,
  type Scope,
  union,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  unknownOf,
  type Value,
  type Values,
} from "./values.ts";

/** Characters of a text that loops and functions put together. The longest in use has 3,140. CWE-400. */
const TEXT_AGAIN = 2048;
/** Methods by which operators reach an object; the reflected ones run too. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "+": ["add", "radd", "iadd"],
  "-": ["sub", "rsub", "isub"],
  "*": ["mul", "rmul", "imul"],
  "/": ["truediv", "rtruediv", "itruediv", "div", "rdiv"],
  "//": ["floordiv", "rfloordiv", "ifloordiv"],
  "%": ["mod", "rmod", "imod"],
  "@": ["matmul", "rmatmul", "imatmul"],
  "**": ["pow", "rpow", "ipow"],
  "&": ["and", "rand", "iand"],
  "|": ["or", "ror", "ior"],
  "^": ["xor", "rxor", "ixor"],
  "<<": ["lshift", "rlshift", "ilshift"],
  ">>": ["rshift", "rrshift", "irshift"],
  "<": ["lt", "gt"],
  ">": ["gt", "lt"],
  "<=": ["le", "ge"],
  ">=": ["ge", "le"],
  "==": ["eq", "ne"],
  "!=": ["ne", "eq"],
  in: ["contains", "iter", "next", "getitem", "eq"],
  not: ["contains", "iter", "next", "getitem", "eq", "bool", "len"],
  and: ["bool", "len"],
  or: ["bool", "len"],
};
const SHOWING = ["__str__", "__repr__", "__format__", "__int__", "__float__", "__index__"];
const COMPARISONS: ReadonlySet<string> = new Set(
  ["<", ">", "==", "!=", "<>", "<=", ">=", "in", "not", "is"],
);
const SHARED: ReadonlyMap<Constant["value"], Constant> = new Map<Constant["value"], Constant>([
  [null, constantOf(null)],
  [true, constantOf(true)],
  [false, constantOf(false)],
  ...Array.from({ length: 257 }, (_, at) => [at, constantOf(at)] as const),
]);

function isTextual(value: Constant): boolean {
  return typeof value.value === "string" && isNotableText(value.value);
}

function asText(value: Constant): Constant | undefined {
  const text = plainText(value);
  return text === undefined ? undefined : constantOf(text, false, value.hidden);
}

/** What comparing two constants gives; nothing where that is not certain. */
function compared(operator: string, a: Constant, b: Constant): Values {
  const isEqual = areEqual(a, b);
  if (isEqual === undefined) return [];
  switch (operator) {
    case "==":
      return [constantOf(isEqual)];
    case "!=":
    case "<>":
      return [constantOf(!isEqual)];
    default:
      return [];
  }
}

function areEqual(a: Constant, b: Constant): boolean | undefined {
  if (a === MODULE_NAME || b === MODULE_NAME) {
    return (a === MODULE_NAME ? b : a).value === "__main__" ? false : undefined;
  }
  if (a.value === undefined || b.value === undefined) return undefined;
  const [x, y] = [a, b].map(({ value }) => typeof value === "boolean" ? Number(value) : value);
  if (typeof x !== "string" || typeof y !== "string") return x === y;
  // Python 2 compares texts with bytes.
  return a.bytes === b.bytes ? x === y : undefined;
}

/** Expressions but chains and collections: constants, operators, formatted strings. */
export class Expressions implements ExpressionsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  value(expression: Expression, scope: Scope): Values {
    this.#run.step(1);
    switch (expression.kind) {
      case "name":
        return this.#rooms.scopes.lookup(expression.id, scope);
      case "constant":
      case "bytes":
        return this.#constant(expression);
      case "joined":
        return this.#joined(expression.parts, expression, scope);
      case "chain":
        return this.#rooms.chains.chain(expression, scope);
      case "operators":
        return this.#operators(expression, scope);
      case "unary": {
        const values = this.value(expression.value, scope);
        return this.#unary(expression.operator, values);
      }
      case "choice": {
        let all: Values = [];
        for (const test of expression.tests) this.truth(this.value(test, scope));
        scope.conditional++;
        for (const each of expression.values) {
          all = this.#run.unite(all, known(this.value(each, scope)));
        }
        scope.conditional--;
        return all;
      }
      case "lambda":
        return [this.#rooms.functions.defineFunction(expression.code, scope)];
      case "tuple":
      case "list":
      case "set":
        return [this.#rooms.collections.collection(expression, scope)];
      case "dict":
        return [this.#rooms.collections.dict(expression, scope)];
      case "comprehension":
        return this.#rooms.collections.comprehension(expression, scope);
      case "named": {
        const values = this.value(expression.value, scope);
        let target = scope;
        while (
          target.kind === "function" && target.code === undefined && target.parent !== undefined
        ) {
          target = target.parent;
        }
        this.#rooms.scopes.bind(expression.id, values, target);
        return values;
      }
      case "yield": {
        const values = expression.value === undefined ? [] : this.value(expression.value, scope);
        const given = expression.from
          ? this.#rooms.collections.elements(values, expression)
          : values;
        this.#rooms.statements.giveBack(
          [this.#rooms.heap.listOf(expression, "list", given)],
          this.functionOf(scope),
        );
        this.#rooms.functions.generates(this.functionOf(scope));
        // What is sent to it; `yield from` gives what the inner generator returns.
        return expression.from ? union(values, this.#run.sent) : this.#run.sent;
      }
      case "await": {
        const values = this.value(expression.value, scope);
        let all = values;
        for (const each of values) {
          if (each.kind === "instance") {
            all = this.#run.unite(all, this.#rooms.objects.special(each, ["__await__"]));
          }
        }
        return all;
      }
      case "star":
        return this.value(expression.value, scope);
      case "slice":
        return this.#slice(expression, scope);
    }
  }

  /** A slice, where its parts are more than numbers: objects may take them out of it. */
  #slice(expression: Extract<Expression, { kind: "slice" }>, scope: Scope): Values {
    let all: Values = [];
    for (const each of expression.parts) all = this.#run.unite(all, this.value(each, scope));
    if (!all.some((each) => each.kind !== "constant")) return [];
    const made = this.#rooms.classes.namespaceObject(expression);
    for (const name of ["start", "stop", "step"]) {
      this.#rooms.heap.addTo(made.attributes, name, all);
    }
    return [made];
  }

  /** Whether values are true, where that is certain. Asks objects that say so themselves. */
  truth(values: Values): boolean | undefined {
    let truth: boolean | undefined;
    this.#run.step(values.length >> 3);
    for (const [at, each] of values.entries()) {
      if (each.kind === "instance") {
        this.#rooms.objects.special(each, ["__bool__", "__len__", "__nonzero__"]);
      }
      let own: boolean | undefined;
      if (each.kind === "constant" && each.value !== undefined) own = Boolean(each.value);
      else if (
        each.kind === "outer" && !each.called &&
        /^typing(?:_extensions)?\.TYPE_CHECKING$/u.test(each.path)
      ) {
        own = false;
      }
      if (at === 0) truth = own;
      else if (truth !== own) truth = undefined;
    }
    return truth;
  }

  functionOf(scope: Scope): Scope {
    let at = scope;
    while (at.code === undefined && at.parent !== undefined) at = at.parent;
    return at;
  }

  #constant(expression: Extract<Expression, { kind: "constant" | "bytes" }>): Values {
    if (expression.kind === "bytes") {
      return [this.#rooms.heap.site(expression, "bytes", () => constantOf(expression.text, true))];
    }
    const { value } = expression;
    if (value === undefined) return [];
    if (typeof value === "string") {
      return [this.#rooms.heap.site(expression, "text", () => constantOf(value))];
    }
    return [
      SHARED.get(value) ?? this.#rooms.heap.site(expression, "number", () => constantOf(value)),
    ];
  }

  #joined(parts: readonly (string | Expression)[], site: object, scope: Scope): Values {
    let text: Constant | undefined = constantOf("");
    const carried: Value[] = [];
    for (const part of parts) {
      if (typeof part === "string") {
        text = text && foldOperator("+", text, constantOf(part));
        if (isNotableText(part)) carried.push(constantOf(part));
        continue;
      }
      const values = this.value(part, scope);
      for (const each of values) {
        if (each.kind === "instance") {
          this.#rooms.objects.special(each, ["__str__", "__repr__", "__format__"]);
        }
        if (isCarried(each)) carried.push(each);
      }
      const [only] = values;
      const known = values.length === 1 && only?.kind === "constant" ? asText(only) : undefined;
      text = text && known && foldOperator("+", text, known);
    }
    if (text !== undefined) return [this.bounded(text)];
    if (carried.some((each) => each.kind !== "constant" || each.value !== undefined)) {
      return [this.#rooms.heap.outer("builtins.format", true, site, carried)];
    }
    return [carried.length > 0 ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT];
  }

  #unary(operator: string, values: Values): Values {
    for (const each of values) {
      if (each.kind !== "instance") continue;
      if (operator === "not") this.#rooms.objects.special(each, ["__bool__", "__len__"]);
      else this.#rooms.objects.special(each, ["__neg__", "__pos__", "__invert__"]);
    }
    if (operator === "not") {
      const truth = this.truth(values);
      return truth === undefined ? [] : [constantOf(!truth)];
    }
    const [only] = values;
    if (values.length === 1 && only?.kind === "constant" && typeof only.value === "number") {
      return operator === "-"
        ? [constantOf(-only.value)]
        : operator === "~"
        ? [constantOf(-only.value - 1)]
        : values;
    }
    return [];
  }

  #operators(expression: Extract<Expression, { kind: "operators" }>, scope: Scope): Values {
    const { operators, items } = expression;
    const [first, ...others] = items;
    if (first === undefined) return [];
    let left = this.value(first, scope);
    const logical = operators[0] === "and" || operators[0] === "or";
    if (logical) {
      let all = known(left);
      let certain = this.truth(left);
      for (const [at, each] of others.entries()) {
        const stops = operators[at] === "or";
        if (certain === stops) return all;
        scope.conditional++;
        const values = this.value(each, scope);
        scope.conditional--;
        // What was false is not what `or` gives; what was true not what `and` gives.
        all = certain === undefined ? union(all, values) : values;
        const own = this.truth(values);
        certain = certain === undefined && own !== stops ? undefined : own;
        if (values.length === 0 && all.length > 0 && certain !== undefined) certain = undefined;
      }
      return operators[0] === "and" && certain === false ? [constantOf(false)] : all;
    }
    let result: Values = [];
    for (const [at, each] of others.entries()) {
      const right = this.value(each, scope);
      const operator = operators[at] ?? "";
      result = this.operate(operator, left, right, each);
      left = COMPARISONS.has(operator) ? right : result;
    }
    return others.length > 1 && COMPARISONS.has(operators[0] ?? "") ? [] : result;
  }

  operate(operator: string, a: Values, b: Values, site: object): Values {
    const names = OPERATORS[operator]?.map((each) => `__${each}__`) ?? [];
    let result: Values = [];
    const [x, y] = [a[0], b[0]];
    for (const each of a) {
      if (each.kind === "instance" && names.length > 0) {
        result = this.#run.unite(result, this.#rooms.objects.special(each, names, [b]));
      }
    }
    for (const each of b) {
      if (each.kind === "instance" && names.length > 0) {
        result = this.#run.unite(result, this.#rooms.objects.special(each, names, [a]));
      }
    }
    if (operator === "%") {
      for (const each of b) {
        const items = each.kind === "container" ? itemsOf(each) : [each];
        for (const one of items) {
          if (one.kind === "instance") this.#rooms.objects.special(one, SHOWING);
        }
      }
    }
    if (COMPARISONS.has(operator)) {
      if (a.length === 1 && b.length === 1 && x?.kind === "constant" && y?.kind === "constant") {
        return compared(operator, x, y);
      }
      return [];
    }
    const product = a.length * b.length;
    if (product > 0 && product <= 16) {
      const folded: Value[] = [];
      for (const left of a) {
        for (const right of b) {
          if (left.kind !== "constant" || right.kind !== "constant") continue;
          const made = foldOperator(operator, left, right);
          folded.push(made === undefined ? unknownOf(left, right) : this.bounded(made));
        }
      }
      result = this.#run.unite(result, folded);
    }
    const carried: Value[] = [];
    for (const each of [...a, ...b]) {
      if (each.kind === "container") {
        // Lists added up, mappings joined; a text that a tuple is put into.
        if (operator === "|" && each.type === "dict") {
          const made = this.#rooms.heap.site<Container>(site, "joined", () => containerOf("dict"));
          this.#rooms.collections.update(made, union(a, b));
          result = this.#run.unite(result, [made]);
        } else if (operator === "%" || each.type === "dict") carried.push(each);
        else {
          const made = this.#rooms.heap.listOf(site, each.type, itemsOf(each));
          result = this.#run.unite(result, [made]);
        }
        if (operator === "%") {
          for (const item of itemsOf(each)) if (isCarried(item)) carried.push(item);
        }
      } else if (isCarried(each)) carried.push(each);
    }
    // Parts of a path that only together are remarkable.
    const [left] = a;
    if (operator === "/" || operator === "+") {
      for (const each of b) if (each.kind === "constant" && isTextual(each)) carried.push(each);
      if (left?.kind === "outer" && left.called) carried.push(left);
    }
    if (operator === "/" && left?.kind === "outer") {
      return union(result, [
        this.#rooms.heap.outer(left.path, true, site, union(left.carries, carried)),
      ]);
    }
    if (carried.some((each) => each.kind !== "constant")) {
      result = this.#run.unite(result, [
        this.#rooms.heap.outer("builtins.str", true, site, carried),
      ]);
    } else if (x?.kind === "constant" && typeof x.value === "string") {
      const constants = [...a, ...carried].filter((each) => each.kind === "constant");
      if (result.length === 0) result = [unknownOf(...constants)];
    }
    return result;
  }

  /** A constant that is put together; in loops and functions long ones are not followed. */
  bounded(made: Constant | undefined): Constant {
    if (typeof made?.value !== "string") return made ?? UNKNOWN_CONSTANT;
    this.#run.step(made.value.length >> 5);
    const again = this.#run.looping > 0 || this.#run.callDepth > 0;
    return again && made.value.length > TEXT_AGAIN ? unknownOf(made) : made;
  }
}
