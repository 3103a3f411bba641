/**
 * Attributes of the types that Python brings along. What a value of such a type does not have is no value at
 * all, rather than one of which nothing is known.
 *
 * @module
 */

import type { Constant, Outer } from "./values.ts";

/** `dir()` of all types of CPython 3.13's `builtins`, and Python 2.7's besides, without underscores. */
const NAMES: ReadonlySet<string> = new Set(
  ("add add_note append args as_integer_ratio bit_count bit_length c_contiguous capitalize casefold cast center " +
    "characters_written clear code conjugate contiguous copy count create_module decode deleter denominator derive " +
    "difference difference_update discard encode encoding end end_lineno end_offset endswith errno exceptions " +
    "exec_module expandtabs extend f_contiguous fdel fget filename filename2 find find_spec format format_map " +
    "from_bytes fromhex fromkeys fset get get_code get_source getter has_key hex imag index indices insert intersection " +
    "intersection_update is_integer is_package isalnum isalpha isascii isdecimal isdigit isdisjoint isidentifier " +
    "islower isnumeric isprintable isspace issubset issuperset istitle isupper items itemsize iteritems iterkeys " +
    "itervalues join keys lineno ljust load_module lower lstrip maketrans message mro msg name name_from nbytes ndim " +
    "numerator obj object offset partition path pop popitem print_file_and_line readonly real reason release remove " +
    "removeprefix removesuffix replace reverse rfind rindex rjust rpartition rsplit rstrip setdefault setter shape " +
    "sort split splitlines start startswith step stop strerror strides strip subgroup suboffsets swapcase " +
    "symmetric_difference symmetric_difference_update text title to_bytes tobytes tolist toreadonly translate union " +
    "update upper value values viewitems viewkeys viewvalues with_traceback zfill").split(" "),
);

const set = (names: string): ReadonlySet<string> => new Set(names.split(" "));

/** `dir()` of `str` and `bytes`, of Python 2.7 and 3.13. */
const OF_TEXT = set(
  "capitalize casefold center count decode encode endswith expandtabs find format format_map fromhex hex index isalnum " +
    "isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower " +
    "lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split " +
    "splitlines startswith strip swapcase title translate upper zfill",
);
/** `dir()` of `int`, `float`, `complex` and `bool`. */
const OF_NUMBERS = set(
  "as_integer_ratio bit_count bit_length conjugate denominator from_bytes fromhex hex imag is_integer numerator real to_bytes",
);
/** `dir()` of lists and what stands for one here: mappings, sets, generators, coroutines, queues, deques. */
const OF_CONTAINERS = set(
  "aclose add append appendleft asend athrow clear close copy count default_factory difference difference_update discard " +
    "elements empty extend extendleft fromkeys full get get_nowait has_key index indices insert intersection " +
    "intersection_update isdisjoint issubset issuperset items iteritems iterkeys itervalues keys maxlen maps most_common " +
    "move_to_end new_child next parents pop popitem popleft put put_nowait qsize remove reverse rotate send setdefault sort " +
    "start step stop subtract symmetric_difference symmetric_difference_update throw total union update values viewitems " +
    "viewkeys viewvalues ag_frame cr_frame gi_frame ag_code cr_code gi_code join task_done tolist",
);
/** What is followed of a function, or of the coroutine or generator that stands for it. */
const OF_FUNCTIONS = set(
  "aclose add_done_callback asend athrow cache_clear cache_info close dispatch next register registry result send throw " +
    "func_code func_closure func_defaults func_dict func_globals func_name im_class im_func im_self",
);
/** Attributes of files. */
const OF_FILES = set(
  "buffer close closed detach encoding errors fileno flush getvalue isatty line_buffering mode name newlines peek raw read " +
    "read1 readable readinto readinto1 readline readlines reconfigure seek seekable softspace tell truncate writable write " +
    "write_through writelines xreadlines next",
);

/** Functions that give texts, whatever they are given, and methods of texts that do. */
const GIVE_TEXT =
  /^(?:builtins\.(?:str|repr|ascii|chr|unichr|unicode|hex|oct|bin|input|raw_input|bytes|format)|os\.path\.(?:join|dirname|basename|abspath|realpath|normpath|normcase|expanduser|expandvars|relpath|commonpath|commonprefix)|os\.(?:getcwd|getcwdu|fspath|strerror|getlogin|readlink|fsencode|fsdecode)|re\.(?:sub|escape)|textwrap\.(?:dedent|indent|fill|shorten)|platform\.(?:system|machine|python_version|release|version|node|processor|python_implementation)|sys\.(?:intern|getfilesystemencoding|getdefaultencoding)|json\.dumps|time\.(?:strftime|ctime|asctime)|string\.capwords|html\.(?:escape|unescape)|urllib\.parse\.(?:quote|quote_plus|unquote|unquote_plus|urlencode|urljoin))(?:\.(?:lower|upper|strip|lstrip|rstrip|replace|title|capitalize|casefold|swapcase|center|ljust|rjust|zfill|expandtabs|translate|format|format_map|join|encode|decode|removeprefix|removesuffix))?$/u;
/** Functions that give numbers, and yes or no. */
const GIVE_NUMBERS =
  /^builtins\.(?:len|int|float|long|hash|id|ord|isinstance|issubclass|hasattr|callable|bool|all|any)$/u;
const GIVE_CONTAINERS = /^builtins\.(?:list|dict|set|tuple|frozenset|range|xrange)$/u;

/** True for functions and methods that give texts. */
export function givesText(path: string): boolean {
  return GIVE_TEXT.test(path);
}

const isDunder = (name: string): boolean => name.startsWith("__") && name.endsWith("__");

/** False for what a constant that is known certainly does not have. */
export function constantMayHave({ value }: Constant, attribute: string): boolean {
  if (value === undefined || isDunder(attribute)) return true;
  return (typeof value === "string" ? OF_TEXT : OF_NUMBERS).has(attribute);
}

/** False for what no list, mapping or set has, nor what stands for one. */
export function containerMayHave(attribute: string): boolean {
  return OF_CONTAINERS.has(attribute) || isDunder(attribute);
}

/** False for what no function has that was given none, nor a coroutine. */
export function functionMayHave(attribute: string): boolean {
  return OF_FUNCTIONS.has(attribute) || isDunder(attribute);
}

/** False for what certainly lacks an attribute: a builtin, or what a call gave whose type is known. */
export function outerMayHave({ path, called, base }: Outer, attribute: string): boolean {
  if (isDunder(attribute)) return true;
  if (!called) return !/^builtins\.[a-z]\w*$/u.test(path) || NAMES.has(attribute);
  if (GIVE_TEXT.test(path)) return OF_TEXT.has(attribute);
  if (path !== base || !path.startsWith("builtins.")) return true;
  if (GIVE_NUMBERS.test(path)) return OF_NUMBERS.has(attribute);
  if (GIVE_CONTAINERS.test(path)) return OF_CONTAINERS.has(attribute);
  return path !== "builtins.open" || OF_FILES.has(attribute);
}

/** Classes of the standard library that give their subclasses nothing but special methods. */
const BARE =
  /^(?:abc\.ABC|typing\.(?:Generic|Protocol|Hashable|Sized)|typing_extensions\.(?:Generic|Protocol))$/u;

/** True where a base may have an attribute: one of another module any, a builtin type its own. */
export function mayHave(base: string, attribute: string): boolean {
  if (isDunder(attribute)) return attribute !== "__annotations__" || !/^builtins\.\w+$/u.test(base);
  if (BARE.test(base)) return attribute === "register";
  return !/^builtins\.\w+$/u.test(base) || NAMES.has(attribute);
}
