/**
 * Tells chat templates from other texts with curly brackets: by the names of a conversation in their
 * code, which templates for web servers, charts, builds and Go programs do not use.
 *
 * @module
 */

/** What renderers give a chat template, as a name of its own and not as a person's attribute. */
const CONVERSATION = new RegExp(
  "(?<![\\w.$])(?:messages|bos_token|eos_token|pad_token|add_generation_prompt|conversations?|" +
    "chat_history|system_message|tool_calls)(?!\\w)",
  "u",
);
const QUOTED = /'[^']*'|"[^"]*"/gu;
/** Python's own names, which lead out of any template. */
const PYTHON = /__\w+__/u;
/** Expressions as Go has them: `{{ .Values.x }}`, `{{ $x := … }}`, `{{ end }}`. */
const GO = /^\{\{-?\s*(?:[.$]|(?:range|end|if|else|with|template|define|block|include)\b)/u;

/** True for a text with an expression, a statement or a comment of Jinja. */
export function hasJinja(text: string): boolean {
  return /\{[{%#]/u.test(text);
}

/** True when the code of a text uses variables of a conversation or names of Python's internals. */
export function speaksOfConversation(text: string): boolean {
  for (const tag of tagsOf(text)) {
    if (PYTHON.test(tag) || CONVERSATION.test(tag.replace(QUOTED, ""))) return true;
  }
  return false;
}

/** True when a text's expressions are Go's and there is no statement of Jinja. */
export function isGoTemplate(text: string): boolean {
  let go = false;
  for (const tag of tagsOf(text)) {
    if (!tag.startsWith("{{")) return false;
    go ||= GO.test(tag);
  }
  return go;
}

/** Expressions and statements with their brackets, in order; a comment is passed over. */
function* tagsOf(text: string): Iterable<string> {
  const opening = /\{[{%#]/gu;
  let comments = true;
  for (let match = opening.exec(text); match !== null; match = opening.exec(text)) {
    const at = match.index;
    const kind = text[at + 1] ?? "";
    if (kind === "#" && !comments) continue;
    const end = text.indexOf(kind === "{" ? "}}" : `${kind}}`, at + 2);
    if (end < 0 && kind === "#") {
      // A comment that does not end is none, as in the shell's `${#list[@]}`.
      comments = false;
      continue;
    }
    if (end < 0) {
      // What is never closed may be closed by another reader.
      yield text.slice(at);
      return;
    }
    if (kind !== "#") yield text.slice(at, end + 2);
    opening.lastIndex = end + 2;
  }
}
