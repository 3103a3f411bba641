/**
 * Attributes of the types that Python brings along, by which a class of the module that inherits from them
 * is told from one that gets an attribute some other way.
 *
 * @module
 */

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

/** True where a base may have an attribute: one of another module any, a builtin type its own. */
export function mayHave(base: string, attribute: string): boolean {
  return !/^builtins\.\w+$/u.test(base) || NAMES.has(attribute) ||
    (/^__\w+__$/u.test(attribute) && attribute !== "__annotations__");
}
