/**
 * What `modelaudit config init` writes: a configuration that changes nothing, with everything that
 * there is explained.
 *
 * @module
 */

/** The commented template. */
export const TEMPLATE = `# ModelAudit security configuration
#
# Every entry adds to the embedded rules or overrides them. "modelaudit config check FILE" says
# whether this file is right, "modelaudit config show" what it amounts to.
#
# modelaudit reads the file named by --config; else ~/.config/modelaudit/security.toml or
# /etc/modelaudit/security.toml. A modelaudit-security.toml in the working directory may add and
# raise, but not loosen: it may have come with a model. Name it with --config to trust it.

# --- Keys that stand before the first table ---------------------------------------------------

# Start without the embedded tables of harmful globals and operators.
# replace = true

# The least severity that fails a run: critical, high, medium, low, info or never.
# fail_on = "high"

# Globals that are trusted: one by its full name, or all of a package.
# allow = ["our_package.*", "our_other_package.layers.Gate"]

# Rules whose issues do not count; "modelaudit rules" lists their names.
# disable = ["pickle-trailing-data"]

# Formats that no file may be of.
# forbid = ["pickle"]

# Files that are scanned, and files and folders that are left out: globs below the folder that is
# scanned. They add to --include and --exclude.
# include = ["*.safetensors", "*.pt"]
# exclude = ["tests/**"]

# --- Globals that pickles import ----------------------------------------------------------------
# "module" = "*" is all of the module and its submodules, a list names single ones.
# CRITICAL and HIGH mean dangerous, MEDIUM and LOW suspicious. A "*" raises what it covers and lowers
# only what nothing names more exactly.

[pickle_rules.CRITICAL]
# Direct code execution
"builtins" = ["eval", "exec", "compile", "__import__"]
"__builtin__" = ["eval", "exec", "compile", "__import__"]
"os" = "*"
"subprocess" = "*"
"sys" = "*"
"runpy" = "*"
"socket" = "*"

[pickle_rules.HIGH]
# File system and network access
"webbrowser" = "*"
"shutil" = ["rmtree", "copy", "move"]
"requests.api" = "*"
"pickle" = ["loads", "load"]

[pickle_rules.MEDIUM]
# Encoding and obfuscation
"base64" = ["b64decode", "decode"]
"operator" = ["attrgetter"]

[pickle_rules.LOW]
"warnings" = "*"
"logging" = "*"

# --- Operators of TensorFlow graphs, layers of Keras models ---------------------------------------

[tensorflow_rules]
"PyFunc" = "CRITICAL"
"ReadFile" = "HIGH"
"WriteFile" = "HIGH"
"Save" = "MEDIUM"
"SaveV2" = "MEDIUM"

[keras_rules]
"Lambda" = "MEDIUM"

# --- Text that is looked for ------------------------------------------------------------------------
# In pickled strings, graphs and text members of archives. Regular expressions have RE2's syntax:
# no look-around, no back references, always linear time.

[custom_patterns]
# patterns = [
#   "internal-[a-z]+-token",
#   { text = "begin of our secrets", severity = "HIGH", title = "Holds a secret" },
#   { pattern = "(?i)https?://[a-z.]*example\\\\.com", severity = "LOW" },
# ]

# --- The score behind each severity ---------------------------------------------------------------

[severity_thresholds]
CRITICAL = 10.0
HIGH = 7.5
MEDIUM = 5.0
LOW = 2.5

# --- Another severity for a whole rule ------------------------------------------------------------

[severity]
# "pickle-standard-library-import" = "LOW"

# --- Budgets ------------------------------------------------------------------------------------------
# depth, members, expanded_bytes, spool_bytes, ratio, seconds, opcodes, values, resync_bytes, issues

[limits]
# expanded_bytes = 4_000_000_000
# seconds = 60

# --- Issues that are known and accepted -----------------------------------------------------------
# "path" is a glob over paths as reports show them; "rule" narrows it; "expires" is the last day.

# [[ignore]]
# path = "tests/samples/**"
# rule = "pickle-command"
# reason = "samples of attacks for our own tests"
# expires = 2027-01-31

# --- What holds for the files below a path --------------------------------------------------------
# One or several of "fail_on", "disable", "forbid" and incomplete = "accept", which needs a last day.

# [[policy]]
# path = "third_party/**"
# reason = "weights of a vendor, encrypted until the contract is signed"
# fail_on = "low"
# forbid = ["pickle"]
# incomplete = "accept"
# expires = 2027-01-31

# --- Loaders of your own --------------------------------------------------------------------------
# A program that imports, calls or evaluates what its configurations name. "at" is a path of keys: "*" is
# any key, "**" any number of them. "does" is one of: call, import, evaluate, run, open, include, …

# [[loader]]
# id = "our-runner"
# library = "our runner"
# files = ["run.yaml"]
# code = [{ at = "steps.*.function", does = "call" }]
`;
