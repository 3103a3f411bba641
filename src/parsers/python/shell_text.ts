/**
 * Texts that a shell would be given to fetch and run something, found in one pass: what may stand between
 * two words is cut out first, so that no word is searched again from each place (CWE-1333).
 *
 * @module
 */

/** What a download is piped into. */
const INTO_SHELL = /(?:\||;|&&)\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b/giu;
const DOWNLOADER = /(?:curl|wget)\b/iu;
const ALONE =
  /\/dev\/(?:tcp|udp)\/|\bbash\s+-i\b|base64\s+(?:-d|-D|--decode)\b|\bmshta\b|b64decode/iu;

/** A program, the option that makes it run or write what it is given, and what does not stand between them. */
const OPTIONS = [
  { program: /\bnc\b/iu, option: /\s-e\b/iu, ends: /["']/u },
  { program: /certutil/iu, option: /-decode/iu, ends: /["']/u },
  { program: /powershell/iu, option: /-e(?:nc|ncodedcommand)?\b/iu, ends: /\)/u },
] as const;

/** Without one of these words a text is nothing of the kind; most texts have none. */
const ANY = /curl|wget|\/dev\/|bash|base64|mshta|b64decode|nc\b|certutil|powershell/iu;

/**
 * True for a text in which a shell fetches or unpacks what it then runs.
 *
 * @param text any text, of any length
 */
export function isShellText(text: string): boolean {
  if (!ANY.test(text)) return false;
  if (ALONE.test(text)) return true;
  for (const { index } of text.matchAll(INTO_SHELL)) {
    let from = index;
    while (from > 0 && !"\"'|;&".includes(text.charAt(from - 1))) from--;
    if (DOWNLOADER.test(text.slice(from, index))) return true;
  }
  return OPTIONS.some(({ program, option, ends }) =>
    program.test(text) && text.split(ends).some((piece) => {
      const found = program.exec(piece);
      return found !== null && option.test(piece.slice(found.index + found[0].length));
    })
  );
}
