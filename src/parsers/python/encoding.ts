/**
 * The encoding of Python source: UTF-8, unless a comment in one of the first two lines says
 * otherwise (PEP 263, `tokenize.detect_encoding`). Codecs that are no character sets, such as
 * `unicode_escape`, turn what looks like comments into code.
 *
 * @module
 */

/** A source as text. */
interface DecodedSource {
  readonly text: string;
  /** The encoding that it names, where that cannot be read here; the text is read as UTF-8 then. */
  readonly unknown: string | undefined;
}

const COOKIE = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/u;
const BLANK = /^[ \t\f]*(?:#.*)?$/u;
/** Character sets whose first half is ASCII, one byte a character: all that is code reads alike. */
const SINGLE_BYTE =
  /^(?:(?:us-)?ascii|latin-?[0-9a-z]*|iso-?8859-?[0-9-]*|l[1-9]|cp[0-9]+|windows-?[0-9]+|koi8-[a-z]|mac-?[a-z]*)$/u;
const UTF8 = /^(?:utf-?8(?:-.*)?|u8|cp65001)$/u;
/** East Asian ones, in which a byte below 0x80 may belong to a character. */
const MULTI_BYTE = /^(?:shift-?jis|sjis|euc-?(?:jp|kr)|gb2312|gbk|gb18030|big5)$/u;

/**
 * Decodes a source. Bytes that are no text in its encoding become U+FFFD.
 *
 * @param bytes of the module
 */
export function decodePythonSource(bytes: Uint8Array): DecodedSource {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const [first = "", second = ""] = head.split(/\r\n|\r|\n/u, 2);
  const named = COOKIE.exec(first)?.[1] ??
    (BLANK.test(first.replace(/^\u00ef\u00bb\u00bf/u, "")) ? COOKIE.exec(second)?.[1] : undefined);
  const encoding = (named ?? "utf-8").toLowerCase().replaceAll("_", "-");
  if (UTF8.test(encoding)) return { text: new TextDecoder().decode(bytes), unknown: undefined };
  const label = SINGLE_BYTE.test(encoding)
    ? "latin1"
    : MULTI_BYTE.test(encoding)
    ? encoding.replace(/^sjis$/u, "shift-jis").replace(/^euc(jp|kr)$/u, "euc-$1")
    : undefined;
  if (label === undefined) return { text: new TextDecoder().decode(bytes), unknown: named };
  return { text: new TextDecoder(label).decode(bytes), unknown: undefined };
}
