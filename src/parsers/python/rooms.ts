/**
 * The rooms of the evaluator of Python source, and what each does for the others.
 *
 * @module
 */

import type { Run } from "./run.ts";
import type { Trait } from "./sinks.ts";
import type { Chain, Expression, FunctionNode, Statement } from "./syntax.ts";
import type {
  Arguments,
  Class,
  Code,
  Constant,
  Container,
  Instance,
  Outer,
  Scope,
  Space,
  Value,
  Values,
} from "./values.ts";

/** A call that runs. */
export interface Call {
  /** Dotted: `socket.socket`, `builtins.exec`, `os.<computed>`. */
  readonly path: string;
  /** Characters before it, and behind it. */
  readonly at: number;
  readonly end: number;
  /** False for what is only handed to something. */
  readonly called: boolean;
  readonly traits: readonly Trait[];
  /** Texts among its arguments that are no longer as the source has them. */
  readonly texts: readonly string[];
}

/** Where a call stands. */
export interface CallSite {
  readonly at: number;
  readonly end: number;
  readonly site: object;
  readonly scope?: Scope;
}

/** A call of a function whose result matters. */
export interface ModelCall {
  readonly path: string;
  /** The same, without `builtins.`. */
  readonly name: string;
  readonly given: Arguments;
  readonly site: CallSite | undefined;
  /** What is called. */
  readonly value: Outer;
}

/** Abstract values: one for each place of the source that makes one, and what they are put into. */
export interface HeapRoom {
  /** Something of another module, by its path; what a call gave keeps what it was given. */
  outer(
    path: string,
    called?: boolean,
    site?: object,
    carries?: Values,
    base?: string,
  ): Outer;
  /** The value that a place of the source makes, made once. */
  site<T extends Value>(site: object, kind: string, make: () => T): T;
  /** A mapping of names. */
  space(of: Space["of"]): Space;
  /** A function together with its first argument. */
  pair(target: Value, self: Value): Value;
  /** A method of a value that no class of the module has. */
  method(self: Value, name: string): Value;
  /** Adds values to a name of a mapping. */
  addTo(map: Map<string, Values>, key: string, values: Values): void;
  /** Adds values at places of a container that are not known. */
  addRest(container: Container, values: Values): void;
  /** Notes that the places of what stands in a list are no longer known. */
  loosen(container: Container): void;
  /** Adds values at a place of a container. */
  addItem(container: Container, key: string | undefined, values: Values): void;
  /** What annotations of a module, function or class are kept in. */
  annotations(of: object): Container;
  /** A container of which only the values are known. */
  listOf(site: object, type: Container["type"], rest: Values): Container;
  /** The module itself, as a mapping whose attributes are its names. */
  moduleValue(): Value;
  /** All values of a mapping. */
  allOf(map: ReadonlyMap<string, Values>): Values;
}

/** Names of a module, its functions and classes: looked up and bound. */
export interface ScopesRoom {
  /** What a name stands for. */
  lookup(id: string, scope: Scope): Values;
  /** Takes a name away that may have hidden another one. */
  forget(id: string, scope: Scope): void;
  /** Notes that any name of the module may be another module's now, or stand for something else. */
  overlaid(module: string | undefined): void;
  /** Gives a name values, as an assignment in a scope does. */
  bind(id: string, values: Values, scope: Scope): void;
  /** Gives some name of a scope values, of which is not known which. */
  setAny(scope: Scope, values: Values): void;
  /** Gives a name of one scope values; `strong` forgets what it had. */
  setIn(scope: Scope, id: string, values: Values, strong: boolean): void;
}

/** Import statements, and the functions that import by a text. */
export interface ImportsRoom {
  /** `import path as alias` */
  importModule(path: string, alias: string | undefined, scope: Scope): void;
  /** `from module import names` */
  importNames(statement: Extract<Statement, { kind: "from" }>, scope: Scope): void;
  /** Modules that a text names. */
  imported(name: string, values: Values, within?: Values): Values;
}

/** Statements: branches are all taken, loops read until they add nothing. */
export interface StatementsRoom {
  /** Runs statements. */
  block(statements: readonly Statement[], scope: Scope): void;
  /** Reads something again until it adds nothing. */
  loop(run: () => void, scope: Scope): void;
  /** Runs one statement; gives the values of an expression. */
  run(statement: Statement, scope: Scope): Values;
  /** What decorators make of a function or class. */
  decorated(decorators: readonly Expression[], values: Values, scope: Scope): Values;
  /** Adds to what the function of a scope gives. */
  giveBack(values: Values, scope: Scope): void;
}

/** What assignments give values to: names, attributes, items. */
export interface TargetsRoom {
  /** Gives a target values. */
  store(target: Expression, values: Values, scope: Scope): void;
  /** Gives an attribute values. */
  setAttribute(owner: Value, id: string, values: Values, span: CallSite): void;
  /** Takes an attribute away. */
  removeAttribute(owner: Value, id: string): void;
  /** Gives an item values. */
  setItem(owner: Value, index: Values, values: Values, span: CallSite): void;
  /** Gives a name of a mapping of names values. */
  setName(space: Space, key: string | undefined, values: Values, span: CallSite): void;
  /** Asks keys for their hashes. */
  hashed(values: Values): void;
}

/** Expressions but chains and collections: constants, operators, formatted strings. */
export interface ExpressionsRoom {
  /** What an expression gives. */
  value(expression: Expression, scope: Scope): Values;
  /** Whether values are true, where that is certain. Asks objects that say so themselves. */
  truth(values: Values): boolean | undefined;
  /** The scope of the function around a scope. */
  functionOf(scope: Scope): Scope;
  /** What an operator gives. */
  operate(operator: string, a: Values, b: Values, site: object): Values;
  /** A constant that is put together; long ones are not followed in loops and functions. */
  bounded(made: Constant | undefined): Constant;
}

/** Chains of attributes, items and calls, and the arguments of calls. */
export interface ChainsRoom {
  /** What a chain gives. */
  chain(chain: Chain, scope: Scope): Values;
  /** The values of mappings. */
  valuesOf(values: Values): Values;
}

/** Lists, sets, mappings and comprehensions, and what a loop over values goes through. */
export interface CollectionsRoom {
  /** A list, tuple or set. */
  collection(
    expression: Extract<Expression, { kind: "tuple" | "list" | "set" }>,
    scope: Scope,
  ): Value;
  /** A mapping. */
  dict(expression: Extract<Expression, { kind: "dict" }>, scope: Scope): Value;
  /** Puts the items of mappings into one. */
  update(container: Container, values: Values): void;
  /** What a comprehension gives. */
  comprehension(
    expression: Extract<Expression, { kind: "comprehension" }>,
    scope: Scope,
  ): Values;
  /** What a loop over values goes through. */
  elements(values: Values, site: object): Values;
}

/** Attributes of values, by names that are known or not. */
export interface AttributesRoom {
  /** An attribute of each of the values. */
  attributes(values: Values, id: string, site: object): Values;
  /** An attribute of a value. */
  attribute(value: Value, id: string, site: object): Values;
  /** Attributes by the texts that values are. */
  getattr(values: Values, names: Values, site: object): Values;
  /** A name of a mapping of names; all of them where it is not known. */
  nameIn(space: Space, key: string | undefined, site: object): Values;
}

/** Items of values: `a[b]`. */
export interface ItemsRoom {
  /** An item of each of the values. */
  items(values: Values, index: Values, site: object): Values;
  /** An item of a value. */
  item(value: Value, index: Values, site: object): Values;
  /** An item of something of another module. */
  outerItem(value: Outer, keys: readonly (string | undefined)[], site: object): Values;
}

/** Classes of the module: what defining one runs, members, bases and metaclasses. */
export interface ClassesRoom {
  /** Runs the definition of a class. */
  defineClass(statement: Extract<Statement, { kind: "class" }>, scope: Scope): void;
  /** True where a base is a class of enumerations. */
  isEnumeration(of: Class): boolean;
  /** The metaclasses of a class and of its bases. */
  metaclasses(of: Class, seen?: Set<Class>): Values;
  /** Makes a class by a call: `type(name, bases, names)`. */
  newClass(given: Arguments, site: object, metaclass?: Class): Values;
  /** An object with attributes alone. */
  namespaceObject(site: object): Instance;
  /** An object seen as one of its bases. */
  superOf(self: Instance | Class, site: object): Value;
  /** A member of a class or of its bases. */
  member(of: Class, id: string): Values;
  /** Bases of a class, and of its bases, that are of other modules. */
  outerBases(of: Class): Outer[];
}

/** Objects of the classes of the module: what making one, and operators, call. */
export interface ObjectsRoom {
  /** Makes an object of a class of the module. */
  make(of: Class, given: Arguments, site?: CallSite): Values;
  /** True where making an object runs functions of the module. */
  hasConstructor(of: Class): boolean;
  /** Calls methods of an object that operators reach. */
  special(value: Instance, names: readonly string[], given?: readonly Values[]): Values;
  /** Calls an object's own methods, for something that nothing can see into. */
  callOwn(value: Instance, which: RegExp): void;
  /** What a property of a class that inherits from another module's gives: what it was made with is called. */
  computed(value: Instance, self: Values, given?: Values): Values;
  /** Notes that a method inherited from another module's class may call others, where none of these is its own. */
  inherited(value: Instance, names: readonly string[]): void;
  /** Notes that something may call methods of a class of the module later, for one of its objects. */
  deferOwn(of: Class, which: RegExp, self?: Value): void;
  /** A function that gives another one and its arguments, which copying and unpickling call. */
  reduced(value: Value): Value;
  /** A member of a class as an attribute of its object. */
  pairOf(each: Value, self: Instance): Value;
}

/** Functions of the module: read when something calls them, and again until they give nothing new. */
export interface FunctionsRoom {
  /** Functions that something calls later, with what they may be given. */
  readonly deferred: Map<Value, Values>;
  /** The function that a definition or lambda makes. */
  defineFunction(node: FunctionNode, scope: Scope): Code;
  /** Calls a function of the module. */
  callFunction(code: Code, given: Arguments): Values;
  /** The text that describes a function. */
  described(code: Code): Values;
  /** Runs something at the module's own level until functions read for it give nothing new. */
  settled(run: () => Values): Values;
  /** Notes that a function is a generator, which may be sent something. */
  generates(scope: Scope): void;
  /** Something is sent to a generator. */
  send(values: Values): void;
  /** Notes a function that something calls later. */
  defer(value: Value, given: Values): void;
}

/** Calls of any value, and of functions that are handed to something which calls them. */
export interface CallsRoom {
  /** Calls each of the values. */
  callAll(values: Values, given: Arguments, site?: CallSite, decorates?: boolean): Values;
  /** Calls a value. */
  call(value: Value, given: Arguments, site?: CallSite, decorates?: boolean): Values;
  /** Calls what is carried by what is called. */
  callCarried(value: Outer, given: Arguments, site?: CallSite): Values;
  /** Notes what runs code or commands among values that go where nothing can follow them. */
  escape(values: Values): void;
  /** Notes that something parses arguments, and may call what parsers were given as defaults. */
  parse(): void;
  /** Calls what has escaped, where something was called of which nothing is known. */
  callEscaped(): void;
  /** What of the arguments a call may call, or send elsewhere. */
  carried(given: Arguments): Values;
}

/** Methods of constants, containers and mappings of names. */
export interface MethodsRoom {
  /** Calls a method of a constant, a container or a mapping of names. */
  callMethod(self: Value, name: string, given: Arguments, site?: CallSite): Values;
  /** `text.join(values)` */
  join(self: Constant, given: Arguments, site: object): Values;
}

/** What functions of other modules do whose results matter. */
export interface ModelsRoom {
  /** What a function does whose result matters; undefined for all others. */
  model(
    path: string,
    given: Arguments,
    site: CallSite | undefined,
    value: Outer,
  ): Values | undefined;
}

/** Functions that reach names, modules, code and classes. */
export interface ReflectionModelsRoom {
  /** What such a function does; undefined for all others. */
  model(call: ModelCall): Values | undefined;
}

/** Functions that run what texts say. */
export interface RunningModelsRoom {
  /** What such a function gives where that is another thing than a call gives; runs what it runs. */
  model(call: ModelCall): Values | undefined;
}

/** Functions that call what they are given: `map`, `functools.reduce`, `operator.methodcaller`. */
export interface FunctionalModelsRoom {
  /** What such a function does; undefined for all others. */
  model(call: ModelCall): Values | undefined;
}

/** Functions that make or go through lists and mappings: `sorted`, `zip`, `dict`, `range`. */
export interface IterationModelsRoom {
  /** What such a function does; undefined for all others. */
  model(call: ModelCall): Values | undefined;
}

/** Functions that make or decode texts: `str`, `bytes`, `base64.b64decode`. */
export interface TextModelsRoom {
  /** What such a function does; undefined for all others. */
  model(call: ModelCall): Values | undefined;
}

/** Calls that lead out of the module, as far as they are reported. */
export interface RecordsRoom {
  /** Calls kept, by path. */
  calls: Map<string, Call[]>;
  /** Keeps a call that leads out of the module. */
  note(
    path: string,
    called: boolean,
    site: CallSite | undefined,
    given: Arguments,
    self?: Values,
  ): void;
  /** The calls that were kept, in the order of the source. */
  reported(): Call[];
}

/** Code that stands in texts: the module itself, and what `exec` and `eval` are given. */
export interface CodeTextsRoom {
  /** Reads and runs source in a scope. */
  source(text: string, scope: Scope): Values;
  /** Reads code that is given as text. */
  exec(
    values: Values,
    span: { readonly at: number; readonly end: number },
    scope: Scope,
    path?: string,
  ): Values;
  /** The scope that code is run in which is given mappings of names. */
  namespace(names: Values, scope: Scope, site: object): Scope;
  /** Gives a mapping the names that code bound which ran in it. */
  export(scope: Scope, to: Container | Space): void;
}

/** The rooms of the evaluator. */
export interface Rooms {
  readonly run: Run;
  readonly heap: HeapRoom;
  readonly scopes: ScopesRoom;
  readonly imports: ImportsRoom;
  readonly statements: StatementsRoom;
  readonly targets: TargetsRoom;
  readonly expressions: ExpressionsRoom;
  readonly chains: ChainsRoom;
  readonly collections: CollectionsRoom;
  readonly attributes: AttributesRoom;
  readonly items: ItemsRoom;
  readonly classes: ClassesRoom;
  readonly objects: ObjectsRoom;
  readonly functions: FunctionsRoom;
  readonly calls: CallsRoom;
  readonly methods: MethodsRoom;
  readonly models: ModelsRoom;
  readonly reflectionModels: ReflectionModelsRoom;
  readonly runningModels: RunningModelsRoom;
  readonly functionalModels: FunctionalModelsRoom;
  readonly iterationModels: IterationModelsRoom;
  readonly textModels: TextModelsRoom;
  readonly records: RecordsRoom;
  readonly texts: CodeTextsRoom;
}
