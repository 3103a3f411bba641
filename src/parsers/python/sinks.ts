/**
 * What of other modules matters to whom reads Python source: which modules reach beyond the program,
 * what calls the functions that it is given, and what is said of the arguments of a call.
 *
 * @module
 */

import { isShellText } from "./shell_text.ts";
import { COMPUTED } from "./paths.ts";
import type { Constant, Value, Values } from "./values.ts";

/** What the arguments of a call are, as far as it changes the verdict. */
export type Trait =
  /** Code or data that was decoded or fetched at that moment. */
  | "decoded"
  /** The environment, which holds credentials. */
  | "environment"
  /** One variable of it, or several, by their names. */
  | "variable"
  /** Variables of the environment for the service that they are called after. */
  | "own-service"
  /** A file of credentials. */
  | "secret"
  /** A file that runs at the start of a shell, of Python or of the session. */
  | "startup"
  /** A command that fetches and runs, or opens a shell to somewhere. */
  | "shell"
  /** A file opened for writing. */
  | "writes"
  /** A pickle in a literal of the source. */
  | "pickle"
  /** A library of the system, by its name. */
  | "system-library"
  /** A switch that lets a loader run what the file says. */
  | "unsafe-load"
  /** Code assembled from literals of the source, none of them decoded or computed. */
  | "template"
  /** Code of a Python file beside the source, by its name. */
  | "source-file"
  /** Constants alone, none of them hidden. */
  | "constant";

/** Modules of which what is called, handed on and given matters. */
const SENSITIVE: ReadonlySet<string> = new Set(
  ("os posix nt subprocess sys builtins socket ssl urllib urllib2 http httplib requests httpx aiohttp " +
    "urllib3 ftplib smtplib telnetlib paramiko websocket websockets ctypes _ctypes cffi shutil pickle " +
    "_pickle cPickle dill cloudpickle joblib marshal importlib imp runpy pty code codeop asyncio commands " +
    "multiprocessing threading _thread concurrent signal atexit gc inspect types pkgutil pydoc timeit " +
    "cProfile profile trace bdb pdb doctest pip ensurepip venv _posixsubprocess _winapi winreg _winreg " +
    "webbrowser tempfile io codecs pathlib base64 binascii zlib bz2 lzma gzip yaml torch numpy glob " +
    "fileinput platform getpass keyring plistlib site sysconfig distutils setuptools sqlite3 xmlrpc " +
    "socketserver select resource mmap fcntl termios readline rlcompleter idlelib lib2to3 test " +
    "_osx_support _aix_support _pyrepl uuid imaplib poplib nntplib logging operator functools itertools " +
    "copyreg weakref contextlib copy collections json contextvars string random secrets").split(
      " ",
    ),
);

function isSensitiveModule(path: string): boolean {
  const dot = path.indexOf(".");
  return SENSITIVE.has(dot < 0 ? path : path.slice(0, dot));
}

/** Classes among the builtins: exceptions. */
const EXCEPTION = /^builtins\.[A-Z]\w*$/u;

/** True for what is kept among the arguments of a call that its result may use. */
export function isSensitive(path: string): boolean {
  return (isSensitiveModule(path) && !EXCEPTION.test(path)) || path.includes("<");
}

/** True for a class of exceptions that Python brings along. */
export function isBuiltinException(path: string): boolean {
  return EXCEPTION.test(path);
}

/** Modules behind which a computed name may be anything that runs code or commands. */
export const REACHING =
  /^(?:os|posix|nt|subprocess|builtins|pty|commands|runpy|importlib|imp|ctypes|_posixsubprocess|sys\.modules)$/u;

/** What runs code or commands. */
const CRITICAL =
  /^(?:(?:os|posix|nt)\.(?:system|popen|exec\w*|spawn\w*|posix_spawnp?|fork|forkpty|startfile)|subprocess\.(?:run|call|check_call|check_output|Popen|getoutput|getstatusoutput)|pty\.(?:spawn|fork)|builtins\.(?:exec|eval|execfile))$/u;

/** True for what must be found again where it was handed to something that nothing can see into. */
export function isCritical(path: string): boolean {
  return CRITICAL.test(path);
}

/** Modules of the standard library of which classes, and what calls give, only compute. */
const COMPUTES =
  /^(?:builtins|types|typing|collections|functools|itertools|operator|copy|json|string|random|contextlib|weakref|logging|inspect|threading|abc|re|enum|dataclasses|datetime|math|uuid|platform|warnings|textwrap|argparse|ast|decimal|fractions|numbers|time|unittest)\./u;

/** True for a path of which nothing can come: calling it or taking it apart runs nothing that matters. */
export function isInertPath(path: string, called: boolean): boolean {
  if (path.startsWith("os.environ.setting")) return called;
  if (path.includes("<")) return false;
  if (!isSensitiveModule(path)) return !NETWORK.test(path);
  return COMPUTES.test(path) && (called || path.split(".").length > 2);
}

/** True for a value of which nothing can come. */
export function isInert(value: Value): boolean {
  if (value.kind === "outer") return value.inert && value.carries.length === 0;
  return value.kind === "method" && value.self.kind === "constant" && !value.self.hidden &&
    value.self.value === undefined && value.name !== "to_bytes";
}

/** Functions that give nothing back of what they are given, and keep nothing. */
const FORGETFUL =
  /^builtins\.(?:isinstance|issubclass|hasattr|callable|id|repr|print|len|bool|dir|help|hash|str|type)$/u;

/** True for a function that neither gives back nor keeps what it is given. */
export function isForgetful(path: string): boolean {
  return FORGETFUL.test(path);
}

/** What decodes or fetches. */
const DECODERS =
  /^(?:base64\.|binascii\.(?:a2b|unhexlify)|zlib\.decompress|bz2\.|lzma\.|gzip\.(?:decompress|GzipFile)|codecs\.(?:decode|getdecoder)|marshal\.loads?|builtins\.bytes\.fromhex|cryptography\.|Crypto\.|nacl\.)/u;
/** What reaches the network. */
const NETWORK =
  /^(?:socket\.(?:socket|create_connection|create_server|fromfd|socketpair|gethostbyname(?:_ex)?|getaddrinfo)|urllib\.request\.|urllib\.urlopen|urllib\.urlretrieve|urllib\.URLopener|urllib2\.|http\.client\.|httplib\.|requests\.(?!exceptions|adapters|structures|utils|compat|packages|models|cookies|status_codes|codes|auth|__)|httpx\.|aiohttp\.|urllib3\.(?!exceptions|util|disable_warnings|__)|ftplib\.|smtplib\.|telnetlib\.|websocket\.|websockets\.connect|paramiko\.|xmlrpc\.client\.|ssl\.get_server_certificate|asyncio\.open_connection|webbrowser\.open)/u;
/** Classes and functions of the network that only describe. */
const QUIET_NETWORK =
  /(?:^|\.)(?:Request|Session|Client|AsyncClient|PoolManager|ProxyManager|Retry|Timeout|HTTPAdapter|build_opener|install_opener|OpenerDirector|ProxyHandler|\w*Handler|\w*Processor|\w*Error|\w*Exception|HTTPStatus|ClientTimeout|ClientSession|TCPConnector|getproxies|proxy_bypass|pathname2url|url2pathname|quote|unquote|Limits|URL|Headers|BasicAuth|responses|parse_http_list|parse_keqv_list|mount|update|setdefault)$/u;

const ENVIRONMENT = /^os\.(?:environb?(?!\.setting(?:\.|$))|getenvb?)(?:\.|$)/u;
const VARIABLE = /^os\.(?:environb?\.get|getenvb?)(?:\.|$)/u;
/** Names of variables that hold credentials, or say who and where somebody is. */
const CREDENTIAL =
  /key|token|secret|pass|pwd|cred|auth|cookie|session|sign|cert|private|user|logname|login|account|host|email|ssh|aws|azure|gcp|google|github|gitlab|npm|pypi|hf_|hugging|openai|database|dsn|webhook|conn/iu;

/** What a variable of the environment is by its names: one of settings is not what somebody would steal. */
export function variablePath(names: readonly (string | undefined)[]): string {
  const isSetting = names.length > 0 &&
    names.every((name) => name !== undefined && /^\w+$/u.test(name) && !CREDENTIAL.test(name));
  if (isSetting) return "os.environ.setting";
  const [only] = names;
  return names.length === 1 && only !== undefined && /^\w{1,64}$/u.test(only)
    ? `os.environ.get.${only}`
    : "os.environ.get";
}

/** A variable of the environment by its name. */
const NAMED_VARIABLE = /^os\.environb?\.get\.(?<word>[A-Za-z]+)_\w*$/u;
/** Services that variables are called after otherwise than their hosts. */
const SERVICES: ReadonlyMap<string, string> = new Map([
  ["gh", "github"],
  ["hf", "huggingface"],
  ["hugging", "huggingface"],
  ["huggingfacehub", "huggingface"],
]);
/** The address of a service, by the name that stands before its top-level domain. */
const SERVICE =
  /^https:\/\/(?:[\w-]+\.)*(?<service>[\w-]+)\.(?:com|co|ai|io|org|net|dev)(?:\/[^\\]*)?$/iu;

/**
 * True for a request to the service that a variable is called after: `OPENAI_API_KEY` to api.openai.com. Its
 * address is written out.
 */
export function isOwnService(sets: readonly Values[], named: ReadonlyMap<string, Values>): boolean {
  const texts = (values: Values | undefined): (string | undefined)[] =>
    values?.map((each) =>
      each.kind === "constant" && typeof each.value === "string" ? each.value : undefined
    ) ?? [];
  const [first, second] = sets;
  const isVerb = texts(first).some((text) => /^[A-Za-z]{3,7}$/u.test(text ?? ""));
  const addresses = texts(named.get("url") ?? (isVerb ? second : first));
  const services = addresses.map((text) => SERVICE.exec(text ?? "")?.groups?.["service"]);
  const [service] = services;
  if (service === undefined || services.some((each) => each !== service)) return false;
  const variables = [...givenOf([...sets, ...named.values()]).outers].filter((path) =>
    ENVIRONMENT.test(path)
  );
  return variables.every((path) => {
    const word = NAMED_VARIABLE.exec(path)?.groups?.["word"]?.toLowerCase() ?? "";
    return (SERVICES.get(word) ?? word) === service.toLowerCase();
  });
}
const STARTUP =
  /(?:^|[\\/~])(?:\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zshenv|zprofile|zlogin|cshrc|tcshrc|kshrc|xinitrc|xprofile|xsession|pythonrc\.py|pythonstartup)|config\.fish|authorized_keys2?|crontab|sitecustomize\.py|usercustomize\.py|LaunchAgents|LaunchDaemons|autostart|rc\.local|ld\.so\.preload|sudoers|PowerShell_profile\.ps1)(?:$|[\\/])|\.pth$|(?:^|\/)etc\/(?:cron|profile|init\.d|systemd|passwd|shadow|environment)|systemd\/(?:user|system)|Start Menu\\+Programs\\+Startup|CurrentVersion\\+Run/u;
const SECRET =
  /(?:^|[\\/~])\.(?:ssh|aws|azure|kube|docker|gnupg|netrc|pypirc|npmrc|git-credentials|pgpass)(?:$|[\\/])|(?:^|\/)etc\/(?:passwd|shadow)|id_(?:rsa|dsa|ecdsa|ed25519)$|(?:Login Data|Cookies|Web Data|wallet\.dat|key4\.db|logins\.json)$|\.config[\\/]gcloud|huggingface[\\/]token/u;
/** A Python file by a path that stays in the folder. */
const SOURCE_FILE = /^(?!.*\.\.)(?:[\w-][\w.-]*\/)*[\w-][\w.-]*\.py$/u;
/** Texts that matter where they are joined to a path. */
export function isNotableText(text: string): boolean {
  return text.length < 4096 &&
    (STARTUP.test(text) || SECRET.test(text) || isShellText(text) || SOURCE_FILE.test(text));
}

/**
 * What calls the functions that it is given: threads, exit handlers, `map` and the like. The last part
 * of the path decides, for any object.
 */
const RUNNERS = new RegExp(
  "(?:(?:^|\\.)(?:Thread|Timer|Process|start_new_thread|submit|map|imap|imap_unordered|map_async|starmap|" +
    "apply|apply_async|filter|filterfalse|reduce|sorted|max|min|sub|subn|iter|call_soon|call_soon_threadsafe|call_later|call_at|run|run_in_executor|" +
    "run_until_complete|create_task|ensure_future|gather|wait|wait_for|enter|enterabs|finalize|settrace|setprofile|addaudithook|register_at_fork|" +
    "run_coroutine_threadsafe|to_thread|add_done_callback|accumulate|takewhile|dropwhile|groupby|nlargest|nsmallest|callback|push|sort|" +
    "repeat|timeit|Timer|runcall|runctx|call_tracing|walk_packages|iter_modules|register|signal|cmp_to_key|" +
    "fromkeys|defaultdict|from_callable|any|all|sum|list|tuple|set|frozenset|dict|next|zip|enumerate|reversed|join|starcall)$|" +
    "^atexit\\.|^signal\\.|^sys\\.path_hooks\\.|^builtins\\.(?:map|filter|sorted|iter|min|max)|^threading\\.|^asyncio\\.|^concurrent\\.)",
  "u",
);
/** Of these an end of that name says nothing: they only note what they are given. */
const NOTES =
  /^(?:abc\.|ctypes\.|functools\.(?:lru_cache|cache|wraps|singledispatch|total_ordering|partialmethod|update_wrapper|cached_property)|contextlib\.(?:contextmanager|asynccontextmanager)|typing\.|dataclasses\.|enum\.|warnings\.|unittest\.(?:skip|expectedFailure|mock\.|case\.)|pytest\.|types\.(?:coroutine|DynamicClassAttribute|SimpleNamespace|MappingProxyType)|collections\.(?:namedtuple|OrderedDict|defaultdict|deque|ChainMap)|weakref\.Weak|inspect\.|builtins\.(?:property|staticmethod|classmethod|super|isinstance|issubclass|hasattr|callable|id|type|repr|dir|setattr|delattr|bool|object|print|len|hash)|asyncio\.coroutine|threading\.(?:local|Lock|RLock|Event|Condition|Semaphore)|atexit\.unregister|multiprocessing\.managers\.)/u;

/** True for what calls functions that it is given. */
export function runsArguments(path: string, isStandard: boolean): boolean {
  if (NOTES.test(path)) return false;
  return isStandard || (RUNNERS.test(path) && !/(?:^|\.)register$/u.test(path));
}

/** Classes of threads and processes: `start` runs `run`. */
export const STARTED = /(?:^|\.)(?:Thread|Timer|Process)$/u;

/** What is taken for called where something of the standard library was given it. */
export const RISKY =
  /<computed>|^(?:os\.(?:system|popen|exec|spawn|posix_spawn|fork|startfile)|posix\.|nt\.|subprocess\.|pty\.|builtins\.(?:exec|eval|compile|__import__|open)|socket\.|urllib\.|ctypes\.|runpy\.|shutil\.|pickle\.|marshal\.|importlib\.)/u;

/** What Python calls by itself, or everybody: `sys.excepthook`, any builtin. */
export const HOOKS =
  /^(?:sys\.(?:excepthook|displayhook|unraisablehook|breakpointhook)|threading\.(?:excepthook|_shutdown|_at_fork_reinit)|builtins\.\w+)$/u;

/** Nested containers of arguments that are searched. The deepest in use is 6. CWE-674. */
const DEPTH = 6;
/**
 * Values of the arguments of one call that are searched, constants apart: as many as a container keeps. A
 * call with more may be given anything. The most in seven wheels are 328. CWE-834.
 */
const LOOKED = 4096;
/** Constants that a call may be given of which each counts: what is written out in calls has a dozen. */
const FEW = 64;
/**
 * Constants among them that are kept; numbers beyond say nothing. The most in seven wheels are 4,417.
 * CWE-834.
 */
const CONSTANTS = 256;

/** Values that an argument may be, beyond which none of them says anything of the call: what a long set has. */
const VAGUE = 24;

/** What opens a file, and what reads it. */
const OPENED = /(?:^|\.)(?:open|read_text|read_bytes)(?:\.\w+)?$/u;

/** What a call is given. */
interface Given {
  /** True where an argument may be any of many values. */
  readonly isVague: boolean;
  readonly outers: ReadonlySet<string>;
  readonly constants: readonly Constant[];
  /** Of each thing that was opened, what it was given. */
  readonly opened: readonly Values[];
  /** True when all of it is known constants. */
  readonly isConstant: boolean;
}

/** The arguments of a call, including those inside containers. */
export function givenOf(sets: readonly Values[]): Given {
  const outers = new Set<string>();
  const constants: Constant[] = [];
  const opened: Values[] = [];
  const seen = new Set<Value>();
  let isConstant = true;
  const look = (values: Values, depth: number): void => {
    if (values.length === 0) isConstant = false;
    for (const each of values) {
      if (each.kind === "constant") {
        if (constants.length < CONSTANTS || typeof each.value === "string") constants.push(each);
        if (each.value === undefined) isConstant = false;
        continue;
      }
      if (seen.has(each)) continue;
      if (seen.size > LOOKED) {
        outers.add(COMPUTED);
        isConstant = false;
        return;
      }
      seen.add(each);
      if (each.kind !== "container") isConstant = false;
      if (depth >= DEPTH) continue;
      if (each.kind === "outer") {
        outers.add(each.path);
        if (OPENED.test(each.path)) opened.push(each.carries);
        if (each.carries.length > 0) look(each.carries, depth + 1);
      } else if (each.kind === "container") {
        if (each.rest.length > 0) look(each.rest, depth + 1);
        for (const [key, items] of each.items) {
          if (each.type === "dict") constants.push(keyConstant(key));
          look(items, depth + 1);
        }
      } else if (each.kind === "space" && each.of.kind === "outer") outers.add(each.of.path);
      else if (each.kind === "bound") look([each.target, each.self], depth + 1);
      else if (each.kind === "partial") look([...each.target, ...each.first.flat()], depth + 1);
      else if (each.kind === "method") look([each.self], depth + 1);
      else if (each.kind === "instance") {
        for (const items of each.attributes.values()) if (items.length > 0) look(items, depth + 1);
      }
    }
  };
  for (const each of sets) look(each, 0);
  const isVague = sets.some(({ length }) => length > VAGUE);
  return { outers, constants, opened, isConstant, isVague };
}

function keyConstant(key: string): Constant {
  return { kind: "constant", value: key, bytes: false, hidden: false };
}

const LOADS =
  /(?:^|\.)(?:load|loads|unsafe_load|unsafe_load_all|full_load|load_all|read_pickle|load_library)$/u;
const OPENS = /(?:^|\.)(?:open|fdopen)$|^builtins\.file$/u;
const MODE = /^[rbtU]*[wax+][wabxtrU+]*$/u;
const WRITES =
  /(?:^|\.)(?:write|writelines|write_text|write_bytes|copy|copyfile|copy2|copytree|move|rename|replace|symlink|symlink_to|hardlink_to|link|touch|dump)$/u;
const LIBRARY =
  /^(?:lib(?:c|m|dl|pthread|rt|util|gcc_s|stdc\+\+|System|objc|crypt)(?:[.-][\w.]*)?(?:so|dylib|dll)?[\d.]*|(?:kernel32|user32|ntdll|advapi32|shell32|msvcrt|gdi32|ole32|psapi|ws2_32|dwmapi|shcore|comctl32|winmm|version|iphlpapi|netapi32|crypt32|bcrypt|secur32|userenv|powrprof|dbghelp|c|m|ucrtbase|vcruntime\d+(?:_\d)?|msvcp\d+(?:_\d)?|concrt\d+)(?:\.dll)?|\/System\/Library\/Frameworks\/.*|\/usr\/lib\/lib\w+\.dylib)$/iu;

/**
 * One function of Python and nothing else. Executed it only defines that; a shell stops at its first
 * bracket, so that it runs nothing as a command either.
 */
const DEFINITION = /^\s*def \w+\([\w ,=]*\):[ \t]*(?:\r?\n(?:[ \t][^\r\n]*)?)*$/u;

/** What puts a text together or compiles it. */
const MAKES_CODE = /^builtins\.(?:str|repr|format|compile)$/u;

/** What runs nothing where its text is empty: on Windows that makes a terminal understand colours. */
const SHELLS = /^(?:os|posix|nt)\.(?:system|popen)$/u;

/** True for a command of which there is nothing. */
export function isIdle(path: string, { constants, isConstant, outers }: Given): boolean {
  const [only, ...others] = constants;
  return SHELLS.test(path) && isConstant && outers.size === 0 && others.length === 0 &&
    typeof only?.value === "string" && only.value.trim() === "";
}

/** What is said of the arguments of a call. */
export function traitsOf(
  path: string,
  given: Given,
  named: ReadonlyMap<string, Values>,
  self: Values,
): Trait[] {
  const traits = new Set<Trait>();
  if (given.isConstant && !given.constants.some(({ hidden }) => hidden)) traits.add("constant");
  let whole = false;
  for (const outer of given.isVague ? [] : given.outers) {
    if (DECODERS.test(outer) || (NETWORK.test(outer) && !QUIET_NETWORK.test(outer))) {
      traits.add("decoded");
    }
    if (ENVIRONMENT.test(outer)) {
      traits.add("environment");
      whole ||= !VARIABLE.test(outer);
    }
    if (outer.startsWith("ctypes.util.find_library")) traits.add("system-library");
  }
  if (traits.has("environment") && !whole) traits.add("variable");
  const own = givenOf([self]);
  const isMany = given.constants.length > FEW;
  let library = given.constants.length > 0 && given.outers.size === 0;
  for (const { value, bytes, hidden } of [...given.constants, ...own.constants]) {
    // One of a hundred texts that a name may stand for says nothing of the call.
    if (hidden && !isMany && typeof value === "string" && value.length > 3) traits.add("decoded");
    if (
      value !== null && !(typeof value === "string" && LIBRARY.test(value)) &&
      typeof value !== "number" && typeof value !== "boolean"
    ) library = false;
    if (typeof value !== "string") continue;
    if (bytes && LOADS.test(path) && given.outers.size === 0) traits.add("pickle");
    if (STARTUP.test(value)) traits.add("startup");
    if (SECRET.test(value)) traits.add("secret");
    if (isShellText(value)) traits.add("shell");
    if (OPENS.test(path) && MODE.test(value)) traits.add("writes");
  }
  const isCode = /^builtins\.(?:exec|eval|compile)$/u.test(path);
  const isOwn = [...given.outers].every((each) => MAKES_CODE.test(each));
  if (isCode && isOwn && !given.constants.some(({ hidden }) => hidden)) {
    traits.add("template");
  }
  if (isCode && isSourceFile(given)) traits.add("source-file");
  const [text] = given.constants;
  const isOnly = given.outers.size === 0 && given.constants.length === 1 && given.isConstant;
  if (isOnly && typeof text?.value === "string" && !text.hidden && DEFINITION.test(text.value)) {
    traits.add("template");
  }
  if (library) traits.add("system-library");
  if (WRITES.test(path)) traits.add("writes");
  if (isUnsafe(path, named)) traits.add("unsafe-load");
  return [...traits];
}

/** What opens, reads and decodes a file, and says where it lies. */
const READS =
  /^(?:builtins\.(?:open|compile|str|bytes)(?:\.|$)|(?:io|codecs|tokenize)\.open(?:\.|$)|os\.(?:path|getcwd)(?:\.|$)|pathlib\.|<module>\.__file__$)/u;

/** True for what is read from Python files of the source's own package: those are judged for themselves. */
function isSourceFile({ outers, constants, opened }: Given): boolean {
  if (opened.length === 0 || ![...outers].every((path) => READS.test(path))) return false;
  const isOwn = ({ value, hidden }: Constant): boolean =>
    !hidden && (typeof value !== "string" || !/^[\\/~]|:/u.test(value));
  return constants.every(isOwn) &&
    opened.every((carries) =>
      givenOf([carries]).constants.some(({ value }) =>
        typeof value === "string" && SOURCE_FILE.test(value)
      )
    );
}

/** A loader that is asked to run what the file says. */
function isUnsafe(path: string, named: ReadonlyMap<string, Values>): boolean {
  const is = (name: string, value: boolean): boolean =>
    named.get(name)?.some((each) =>
      each.kind !== "constant" || each.value === undefined || Boolean(each.value) === value
    ) ?? false;
  if (/^torch\.(?:load|serialization\.load)$/u.test(path)) return is("weights_only", false);
  if (/^numpy\.(?:load|lib\.npyio\.load|lib\.format\.read_array)$/u.test(path)) {
    return is("allow_pickle", true);
  }
  if (/^yaml\.(?:load|load_all)$/u.test(path)) {
    return named.get("Loader")?.some((each) =>
      each.kind === "outer" && /^yaml\.(?:C?Unsafe)?Loader$/u.test(each.path)
    ) ?? false;
  }
  return /^yaml\.(?:unsafe_load|unsafe_load_all)$/u.test(path);
}

/** Names that mean the same in any module: what an unknown module is asked for by them. */
export const TELLING: ReadonlyMap<string, string> = new Map([
  ["system", "os.system"],
  ["popen", "os.popen"],
  ["execv", "os.execv"],
  ["execve", "os.execve"],
  ["execvp", "os.execvp"],
  ["check_output", "subprocess.check_output"],
  ["check_call", "subprocess.check_call"],
  ["Popen", "subprocess.Popen"],
  ["getoutput", "subprocess.getoutput"],
  ["exec", "builtins.exec"],
  ["eval", "builtins.eval"],
]);

/** True for an argument that the callee may call or send away. */
export function isCarried(value: Value): boolean {
  switch (value.kind) {
    case "outer":
      return value.sensitive || value.carries.length > 0;
    case "constant":
      return value.hidden || (typeof value.value === "string" && isNotableText(value.value));
    case "container":
      return value.rest.length > 0 || value.items.size > 0;
    case "method":
      return isCarried(value.self);
    case "property":
      return false;
    case "space":
      return true;
    default:
      return true;
  }
}
