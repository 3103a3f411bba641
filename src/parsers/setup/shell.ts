/**
 * Commands of a POSIX shell as lists of pipelines of words. Quotes are taken off, nothing is expanded; commands in
 * substitutions (`$(…)`, backquotes, `<(…)`) are handed out beside the word that they stand in.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html
 *
 * @module
 */

/** One word, and the commands in it. */
interface ShellWord {
  readonly text: string;
  readonly substitutions: readonly string[];
}

/** One command: its words. */
export type ShellCommand = readonly ShellWord[];

/** Commands whose output the next one reads. */
export type Pipeline = readonly ShellCommand[];

const BLANK = /[ \t\r]/u;
const BLANK_OR_END = /^\s?$/u;
/** A pipe behind a group, and redirections before it. */
const PIPE = /[ \t]*(?:\d?>{1,2}&?[\w./]*[ \t]*){0,4}\|(?!\|)/uy;

/** All pipelines of a text, in order; what is not closed ends with the text. */
export function shellPipelines(text: string): readonly Pipeline[] {
  return new ShellLexer(text).pipelines();
}

class ShellLexer {
  readonly #text: string;
  #at = 0;
  #pipelines: ShellCommand[][] = [];
  #pipeline: ShellCommand[] = [];
  #words: ShellWord[] = [];
  #word: string | undefined;
  #substitutions: string[] = [];
  /** Pipelines before each group that is open; undefined for one that reads from a pipe. */
  readonly #groups: (number | undefined)[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  pipelines(): readonly Pipeline[] {
    while (this.#at < this.#text.length) this.#step(this.#text.charAt(this.#at));
    this.#endPipeline();
    return this.#pipelines;
  }

  #step(letter: string): void {
    const next = this.#text.charAt(this.#at + 1);
    if (letter === "\\") {
      // A line that goes on, or a letter that means itself.
      if (next !== "\n") this.#add(next);
      this.#at += 2;
    } else if (letter === "'") this.#quoted(this.#text.indexOf("'", this.#at + 1));
    else if (letter === '"') this.#doubleQuoted();
    else if (letter === "`" || (next === "(" && (letter === "$" || letter === "<"))) {
      this.#substitution(letter);
    } else if (letter === "#" && this.#word === undefined) {
      const end = this.#text.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#text.length : end;
    } else if (BLANK.test(letter)) this.#endWord(1);
    else if (letter === "|" && next !== "|") {
      this.#endWord(next === "&" ? 2 : 1);
      this.#endCommand();
    } else if (letter === "&" && this.#isRedirection(next)) {
      this.#add(letter);
      this.#at++;
    } else if (letter === "(" || (letter === "{" && BLANK_OR_END.test(next) && this.#isFirst())) {
      // A group that reads from a pipe goes on with the pipeline.
      const reads = this.#isFirst() && this.#pipeline.length > 0;
      if (!reads) this.#endPipeline();
      this.#groups.push(reads ? undefined : this.#pipelines.length);
      this.#at++;
    } else if (letter === ")" || (letter === "}" && this.#isFirst())) this.#endGroup();
    else if (/[;&|\n]/u.test(letter)) {
      this.#endWord(1);
      this.#endPipeline();
    } else {
      this.#add(letter);
      this.#at++;
    }
  }

  /** `2>&1`, `&>file`. */
  #isRedirection(next: string): boolean {
    return next === ">" || /[<>]$/u.test(this.#word ?? "");
  }

  /** True before the first word of a command. */
  #isFirst(): boolean {
    return this.#word === undefined && this.#words.length === 0;
  }

  /** The commands of a group whose output is piped belong to the pipeline, too. */
  #endGroup(): void {
    const from = this.#groups.length === 0 ? 0 : this.#groups.pop();
    if (from === undefined) {
      this.#endWord(1);
      this.#endCommand();
      return;
    }
    this.#endPipeline();
    this.#at++;
    PIPE.lastIndex = this.#at;
    if (PIPE.test(this.#text)) this.#pipeline = this.#pipelines.slice(from).flat();
  }

  #quoted(end: number): void {
    const stop = end < 0 ? this.#text.length : end;
    this.#add(this.#text.slice(this.#at + 1, stop));
    this.#at = stop + 1;
  }

  #doubleQuoted(): void {
    this.#add("");
    this.#at++;
    while (this.#at < this.#text.length) {
      const letter = this.#text.charAt(this.#at);
      const next = this.#text.charAt(this.#at + 1);
      if (letter === '"') break;
      if (letter === "\\" && /["$`\\\n]/u.test(next)) {
        if (next !== "\n") this.#add(next);
        this.#at += 2;
      } else if (letter === "`" || (letter === "$" && next === "(")) this.#substitution(letter);
      else {
        this.#add(letter);
        this.#at++;
      }
    }
    this.#at++;
  }

  #substitution(letter: string): void {
    const from = this.#at + (letter === "`" ? 1 : 2);
    let end = letter === "`" ? this.#text.indexOf("`", from) : this.#closing(from);
    if (end < 0) end = this.#text.length;
    const inside = this.#text.slice(from, end);
    this.#substitutions.push(inside);
    this.#add(this.#text.slice(this.#at, end + 1));
    this.#at = end + 1;
  }

  /** Where the bracket closes that is open at a place; -1 for nowhere. */
  #closing(from: number): number {
    let depth = 1;
    for (let at = from; at < this.#text.length; at++) {
      const letter = this.#text.charAt(at);
      if (letter === "(") depth++;
      if (letter === ")" && --depth === 0) return at;
    }
    return -1;
  }

  #add(text: string): void {
    this.#word = (this.#word ?? "") + text;
  }

  #endWord(length: number): void {
    if (this.#word !== undefined) {
      this.#words.push({ text: this.#word, substitutions: this.#substitutions });
    }
    this.#word = undefined;
    this.#substitutions = [];
    this.#at += length;
  }

  #endCommand(): void {
    if (this.#words.length > 0) this.#pipeline.push(this.#words);
    this.#words = [];
  }

  #endPipeline(): void {
    this.#endWord(0);
    this.#endCommand();
    if (this.#pipeline.length > 0) this.#pipelines.push(this.#pipeline);
    this.#pipeline = [];
  }
}
