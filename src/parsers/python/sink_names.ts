/**
 * Names without which nothing that matters can be called: what decides whether a source that was not
 * followed to its end is one that nothing can be said of.
 *
 * @module
 */

import { TOKEN, Tokens } from "./lexer.ts";

/** Names that reach what runs code or commands, wherever they stand. */
const ANYWHERE = new RegExp(
  "^(?:system|popen\\d?|exec[vl]\\w*|spawn\\w*|posix_spawnp?|fork|forkpty|startfile|getoutput|getstatusoutput|" +
    "check_output|check_call|Popen|urlopen|urlretrieve|\\w*DLL|LoadLibrary|dlopen|load_library|load_dynamic|load_inline|" +
    "rmtree|removedirs|__import__|import_module|load_module|exec_module|run_module|run_path|resolve_name|locate|safeimport|" +
    "__builtins__|builtins|__builtin__|globals|_getframe|currentframe|__globals__|f_globals|f_locals|f_builtins|f_back|__subclasses__|" +
    "__loader__|get_objects|get_referrers|unsafe_load\\w*|weights_only|create_subprocess_\\w+|" +
    "interact|runsource|runcode|runcall|runctx|_posixsubprocess)$",
  "u",
);
/** Attributes of `sys` and `inspect`, whose names variables have. */
const ATTRIBUTE = /^(?:modules|stack|trace)$/u;
/** Builtins; behind a dot they are methods of other things. */
const BARE = /^(?:exec|eval|execfile|breakpoint|input)$/u;
/** What makes a function of code that `compile` gave. */
const FUNCTION = /^(?:FunctionType|LambdaType|__code__)$/u;
/** Modules that do such things by functions with everyday names. */
const MODULES = new RegExp(
  "^(?:subprocess|pty|runpy|code|codeop|ctypes|cffi|socket|ssl|socketserver|requests|httpx|aiohttp|urllib\\d?|http|httplib|" +
    "ftplib|smtplib|telnetlib|xmlrpc|paramiko|websockets?|pickle|cPickle|_pickle|marshal|dill|cloudpickle|joblib|shelve|" +
    "yaml|torch|numpy|importlib|imp|pkgutil|pydoc|commands|asyncio|multiprocessing|timeit|cProfile|profile|trace|bdb|pdb|" +
    "doctest|pip|ensurepip|venv|webbrowser|builtins|__builtin__|zipimport|gc|winreg|_winreg)$",
  "u",
);
/** Ways to an attribute that is not written out, and the modules where that matters. */
const REACHES =
  /^(?:getattr|vars|__dict__|attrgetter|methodcaller|__getattribute__|getattr_static|getmembers|dir)$/u;
const REACHED = /^_*(?:os|posix|nt|sys|shutil)$/u;
/** Characters of a text that may be code, or data that is decoded. */
const LONG = 4096;
/** Files that run by themselves, or hold credentials. */
const FILES = /bashrc|profile|\bssh|\.pth|customize|cron|login|autostart|Startup|credentials/u;

/**
 * True for a source that names something which must be followed. Comments name nothing, nor do texts
 * that stand alone.
 *
 * @param checkDeadline called now and then; what it throws ends the search
 */
export function mentionsSinks(text: string, checkDeadline: () => void): boolean {
  const tokens = new Tokens(text, checkDeadline);
  if (tokens.cut) return true;
  let reaches = false;
  let reached = false;
  let compiles = false;
  let makes = false;
  let isImport = false;
  for (let at = 0; at < tokens.count; at++) {
    const kind = tokens.kinds[at];
    if (kind === TOKEN.newline) isImport = false;
    else if (kind === TOKEN.string) {
      if (isAlone(tokens, at)) continue;
      const written = tokens.written(at);
      if (written.length > LONG || FILES.test(written)) return true;
      // Formatted strings hold expressions.
      if (/^[^"']*[ft]/iu.test(written) && hasSink(written)) return true;
    } else if (kind === TOKEN.sign && isImport && tokens.written(at) === "*") return true;
    else if (kind === TOKEN.name) {
      const name = tokens.written(at).normalize("NFKC");
      if (name === "import" || name === "from") isImport = true;
      if (ANYWHERE.test(name)) return true;
      const isAttribute = at > 0 && tokens.written(at - 1) === ".";
      if (isAttribute ? ATTRIBUTE.test(name) : BARE.test(name)) return true;
      if (isImport && !isAttribute && MODULES.test(name)) return true;
      compiles ||= name === "compile" && !isAttribute;
      makes ||= FUNCTION.test(name);
      reaches ||= REACHES.test(name);
      reached ||= REACHED.test(name);
    } else if (kind === TOKEN.error) return true;
  }
  return (reaches && reached) || (compiles && makes);
}

/** Begins like what runs: a call, an item, a statement. */
const CODE = /[([=\n]|\b(?:import|from|return|def|class|lambda)\b/u;

/**
 * True for a source with a text, other than a description, that may be code and names what must be followed.
 *
 * @param checkDeadline called now and then; what it throws ends the search
 */
export function textsMentionSinks(text: string, checkDeadline: () => void): boolean {
  const tokens = new Tokens(text, checkDeadline);
  for (let at = 0; at < tokens.count; at++) {
    if (tokens.kinds[at] !== TOKEN.string || isAlone(tokens, at)) continue;
    const written = tokens.written(at);
    if (!CODE.test(written)) continue;
    for (const [word] of written.matchAll(WORD)) {
      const name = word.normalize("NFKC");
      if (ANYWHERE.test(name) || BARE.test(name) || MODULES.test(name) || REACHED.test(name)) {
        return true;
      }
    }
  }
  return tokens.cut;
}

/** A text that is a statement by itself, such as the description of a function. */
function isAlone(tokens: Tokens, at: number): boolean {
  const before = tokens.kinds[at - 1] ?? TOKEN.newline;
  const after = tokens.kinds[at + 1];
  const begins = before === TOKEN.newline || before === TOKEN.indent || before === TOKEN.dedent;
  return begins && after === TOKEN.newline;
}

/** Words within the expressions of a formatted string. */
function hasSink(written: string): boolean {
  return [...written.matchAll(/[\p{XID_Start}_]\p{XID_Continue}*/gu)].some(([word]) => {
    const name = word.normalize("NFKC");
    return ANYWHERE.test(name) || BARE.test(name) || REACHES.test(name);
  });
}

/** Names at the top of a module by which something that matters may be reached. */
export interface SinkNames {
  /** True where any name may be one. */
  readonly all: boolean;
  readonly names: ReadonlySet<string>;
}

const WORD = /[\p{XID_Start}_]\p{XID_Continue}*/gu;
/** Names that a part of a module binds, wherever in it. CWE-1333: linear. */
const BINDS =
  /\b(?:def|class|as|import|for|global)[ \t]+([\p{XID_Start}_]\p{XID_Continue}{0,255})|([\p{XID_Start}_]\p{XID_Continue}{0,255})[ \t]*(?::[^=\n]{0,256})?=(?!=)/gu;
const FROM_NAMES = /\bimport\b([^\n;]*(?:\n[^\S\n][^\n]*)*)/gu;

/**
 * Finds the names of a module whose functions are worth following: those that name something that could do
 * harm, and those that name one of these.
 *
 * @param others modules beside it, by the last part of their names, that have such names
 */
export function sinkNames(text: string, others: ReadonlySet<string>): SinkNames {
  const plain = text.normalize("NFKC");
  const reached = /\b_*(?:os|posix|nt|sys|shutil|builtins|importlib)\b/u.test(plain);
  const parts = plain.split(/\n(?=[^\s#)\]}])/u).map((part) => {
    const words = new Set(part.match(WORD) ?? []);
    const bound = new Set<string>();
    for (const [, one, other] of part.matchAll(BINDS)) bound.add(one ?? other ?? "");
    for (const [, list = ""] of part.matchAll(FROM_NAMES)) {
      for (const [word] of list.matchAll(WORD)) bound.add(word);
    }
    return { words, bound };
  });
  const names = new Set<string>();
  for (const { words, bound } of parts) {
    const imports = words.has("import");
    let isOne = false;
    for (const word of words) {
      isOne ||= ANYWHERE.test(word) || BARE.test(word) || FUNCTION.test(word) ||
        (reached && REACHES.test(word)) || (imports && (MODULES.test(word) || others.has(word)));
      if (isOne) break;
    }
    if (isOne) { for (const name of bound) names.add(name); }
  }
  const users = new Map<string, (typeof parts)[number][]>();
  for (const part of parts) {
    for (const word of part.words) {
      const known = users.get(word);
      if (known === undefined) users.set(word, [part]);
      else known.push(part);
    }
  }
  // A set goes on to what is added to it meanwhile.
  for (const name of names) {
    for (const { bound } of users.get(name) ?? []) for (const each of bound) names.add(each);
    users.delete(name);
  }
  return { all: /\bimport[ \t]*\(?[ \t]*\*/u.test(plain), names };
}
