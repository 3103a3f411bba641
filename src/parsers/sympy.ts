/**
 * The expressions that `torch.export` writes for sizes, and reads with `sympy.sympify`, which evaluates
 * Python: nested calls of known classes, symbols by name, numbers, arithmetic and comparisons. Any
 * other text is no such expression. `torch/_export/serde/serialize.py` (`_parse_sym_int`,
 * `_print_sympy`), `torch/utils/_sympy/functions.py`
 *
 * @module
 */

/** Functions and classes of sympy and `torch.utils._sympy` that stand in saved programs. */
const FUNCTIONS: ReadonlySet<string> = new Set(
  ("Abs Add And BooleanFalse BooleanTrue CeilDiv CeilToInt CleanDiv Eq Equality Float FloatPow FloatTrueDiv " +
    "FloorDiv FloorToInt Ge GreaterThan Gt Identity Infinity IntInfinity IntTrueDiv Integer " +
    "IsNonOverlappingAndDenseIndicator LShift Le LessThan Lt Max Min Mod ModularIndexing Mul Ne Negative NegativeInfinity " +
    "NegativeIntInfinity NegativeOne Not NumberSymbol One Or Piecewise Pow PowByNatural PythonMod Rational RoundDecimal RoundToInt " +
    "RShift StrictGreaterThan StrictLessThan Symbol ToFloat TruncToFloat TruncToInt Unequality Where Zero " +
    "ceiling floor max min sqrt log exp oo zoo nan true false True False None").split(" "),
);
const OPAQUE = /^(?:OpaqueUnaryFn|BitwiseFn)_[a-z]+(?:_[a-z]+)*$/u;
/** Names of symbols: backed and unbacked sizes and floats. */
const SYMBOL = /^(?:zuf|zf|s|u|f|i|b|x|y|z)\d+$/u;
/** What a symbol is assumed to be. */
const ASSUMPTION =
  /^(?:positive|negative|integer|nonnegative|nonpositive|real|finite|zero|nonzero|rational|complex|commutative|extended_real|extended_positive|extended_nonnegative|infinite|evaluate|precision|even|odd|prime|noninteger)$/u;
const TOKEN =
  /\s+|[A-Za-z_]\w*|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|'[^'\\]*'|"[^"\\]*"|\*\*|\/\/|[<>=!]=|[-+*/%<>=(),&|~]/uy;

/** Characters of an expression; those of real programs have some hundreds. CWE-770. */
const CHARACTERS = 256 * 1024;

/** True when a text is an expression over sizes and nothing else. */
export function isSizeExpression(text: string): boolean {
  if (text.length > CHARACTERS) return false;
  const tokens: string[] = [];
  for (let at = 0; at < text.length;) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return false;
    if (token.trim() !== "") tokens.push(token);
    at += token.length;
  }
  return tokens.every((token, index) => isAllowed(token, tokens, index));
}

function isAllowed(token: string, tokens: readonly string[], index: number): boolean {
  const [before, after] = [tokens[index - 1], tokens[index + 1]];
  if (/^['"]/u.test(token)) {
    const inside = token.slice(1, -1);
    const of = tokens[index - 2];
    if (before !== "(") return false;
    if (of === "Symbol") return /^[A-Za-z_]\w*$/u.test(inside);
    return of === "Float" && /^-?[\d.eE+-]+$/u.test(inside);
  }
  if (/^[A-Za-z_]/u.test(token)) {
    if (after === "=") return ASSUMPTION.test(token) && (before === "," || before === "(");
    if (after === "(") return FUNCTIONS.has(token) || OPAQUE.test(token);
    return FUNCTIONS.has(token) || SYMBOL.test(token) || /^(?:and|or|not)$/u.test(token);
  }
  // A call of what a bracket or a number gives is none of sympy's.
  if (token === "(") return before === undefined || !/^[)'"\d.]/u.test(before);
  return true;
}
