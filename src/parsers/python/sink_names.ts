/**
 * Names without which nothing that matters can be called.
 *
 * @module
 */

/** Names of which every way to a relevant call needs at least one. */
const SINK_NAMES =
  /system|popen|exec|eval|compile|spawn|fork|startfile|subprocess|check_output|check_call|getoutput|urlopen|urlretrieve|requests|httpx|aiohttp|urllib[23]|\bhttp\b|socket|ftplib|smtplib|CDLL|ctypes|cffi|\bpty\b|runpy|marshal|pickle|rmtree|removedirs|__import__|import_module|load_module|load_library|__builtins__|builtins|globals|_getframe|__subclasses__|\bmodules\b|weights_only|unsafe|yaml|dill|joblib|\bcode\b|\bpip\b|webbrowser|bashrc|profile|ssh|\.pth|customize|cron|__loader__/u;
/** What reaches a name that is not written out, and the modules where that matters. */
const REACHES = /getattr|vars\b|__dict__|attrgetter|methodcaller|locate|resolve_name|import \*/u;
const REACHED = /\b_*(?:os|posix|nt|importlib|sys|shutil)\b/u;

/** True for a text that names something which must be followed. */
export function mentionsSinks(text: string): boolean {
  const plain = text.normalize("NFKC");
  return SINK_NAMES.test(plain) || (REACHES.test(plain) && REACHED.test(plain));
}
