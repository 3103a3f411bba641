/**
 * Chat templates: Jinja programs that turn a conversation into the text that a model sees. They lie
 * in tokenizers' JSON, in YAML, in GGUF metadata and in files of their own, and run whenever a person
 * chats; where the renderer has no sandbox they are Python programs (CVE-2024-34359).
 * https://huggingface.co/docs/transformers/chat_templating
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { LimitError } from "../../core/errors.ts";
import { parseTemplate } from "../../parsers/jinja/parser.ts";
import { lookThrough, type Reach } from "../../parsers/jinja/reach.ts";
import { hasJinja, speaksOfConversation } from "../../parsers/jinja/recognise.ts";
import { recognised } from "./known.ts";
import type { Source } from "../../core/source.ts";
import type { Evidence, Observation } from "../../core/types.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";

/** Bytes of a template. The longest of a real model has some twenty thousand. CWE-770. */
const TEMPLATE_BYTES = 1024 * 1024;
/** Characters kept of an expression. Longer ones are cut: their beginning is evidence. CWE-779. */
const EVIDENCE_CHARACTERS = 2048;

/** Names that claim a template in Jinja, and names of chat templates. */
const OWN_NAMES =
  /\.(?:jinja2?|j2)$|(?:^|[/\\])(?:chat|instruction)[-_.]?template[^/\\]*\.(?:txt|template|tmpl|tpl)$/iu;
/** Names of templates for other uses: a build, a service, a page. */
const OTHER_NAMES = /\.j2$|\.[a-z]\w{0,9}\.jinja2?$/iu;
/** Names of chat templates and of prompts. */
const CHAT_NAMES = /(?:^|[/\\])(?=[^/\\]*$)[^/\\]*?(?:chat|instruct|prompt)/iu;
/** Names of templates of any kind, and of texts: what is in them decides. */
const TEMPLATE_NAMES = /\.(?:template|tmpl|tpl|txt)$/iu;

/**
 * The first line by which Ansible's template module takes delimiters, and prefixes of statements, from the
 * file itself; no loader of chat templates does. ansible/template/__init__.py, JINJA2_OVERRIDE.
 */
const OVERRIDE = /^#jinja2:[^\n]*\b(?:\w+_string|line_\w+_prefix)\s*:/u;

/** Characters that Jinja's lexer takes for nothing (`jinja2.lexer.operator_re`): the template is no template. */
const REFUSED = /^A tag holds "[&!?$@^`]"$/u;

/** Chat templates. */
export const chatTemplateFormat: Format = { id: "chat-template", random: false, detect, scan };

/** A tag and its end. Without one nothing is rendered: vim's folds (`{{{1`) open and do not close. */
const TAGS = [["{{", "}}"], ["{%", "%}"]] as const;

function detect({ name, head, hint, size }: Sample): boolean {
  if (hint === HINT.chatTemplate) return head.length > 0;
  const own = OWN_NAMES.test(name);
  if (!own && !TEMPLATE_NAMES.test(name) || !looksLikeText(head)) return false;
  const text = new TextDecoder().decode(head);
  if (!hasJinja(text)) return false;
  const isCut = size === undefined || size > head.length;
  return own || (speaksOfConversation(text) && (isCut || hasTag(text)));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const bytes = (await source.read(0, TEMPLATE_BYTES + 1)).slice();
  if (bytes.length > TEMPLATE_BYTES) {
    throw new LimitError(
      "spoolBytes",
      `Cannot read the template "${source.name}": it is longer than ${TEMPLATE_BYTES} bytes`,
    );
  }
  context.checkDeadline();
  const text = new TextDecoder().decode(bytes);
  const template = parseTemplate(text);
  const { found, givenUp } = lookThrough(template, text);
  const [error] = template.errors;
  // Jinja refuses the whole of a text that has such a character in a tag: `{{` of C, of a page, of another engine.
  const isOther = context.sample.hint !== HINT.chatTemplate && !OWN_NAMES.test(source.name) &&
    !CHAT_NAMES.test(source.name) && !OVERRIDE.test(text);
  if (isOther && template.errors.some(({ detail }) => REFUSED.test(detail))) return;
  const known = await recognised(text);
  if (isForeign(source.name, text) && !OVERRIDE.test(text)) {
    // Templates of builds and of web pages include others, and are rendered where no model is.
    yield found.filter(leadsOut).map((reach) => observation(reach, text, known));
    return;
  }
  yield [
    ...found.map((reach) => observation(reach, text, known)),
    ...(error === undefined ? [] : [{
      type: "anomaly" as const,
      rule: "template-malformed",
      detail: `${error.detail}, near ${JSON.stringify(text.slice(error.at, error.at + 40))}`,
      offset: offsetOf(text, error.at),
    }]),
  ];
  if (OVERRIDE.test(text)) {
    throw new LimitError(
      "values",
      `Cannot read the template "${source.name}" to its end: Its first line sets delimiters of its own`,
    );
  }
  if (givenUp !== undefined) {
    throw new LimitError(
      "values",
      `Cannot read the template "${source.name}" to its end: ${givenUp}`,
    );
  }
}

/** True for a template whose name says no more than that it is one, and which is of no conversation. */
function isForeign(name: string, text: string): boolean {
  return OTHER_NAMES.test(name) && !CHAT_NAMES.test(name) && !speaksOfConversation(text);
}

/** Whether something leads to Python's machinery, for certain. */
function leadsOut({ name, names }: Reach): boolean {
  return name.startsWith("hidden.") || names.some((one) => /^__\w+__$/u.test(one));
}

function observation(reach: Reach, text: string, known: string | undefined): Observation {
  const written = text.slice(reach.at, reach.end);
  const evidence: Evidence[] = [
    ...(written === reach.expression ? [] : [cut("code", written)]),
    ...reach.given.map((given) => cut("text", given)),
  ];
  const { names, estimate } = reach;
  const details = {
    ...(names.length > 0 && { reaches: names }),
    ...(estimate !== undefined && { estimate: Math.min(estimate, Number.MAX_VALUE) }),
    ...(known !== undefined && { template: known }),
  };
  return {
    type: "fact",
    fact: {
      kind: "operator",
      language: "jinja",
      name: reach.name,
      expression: reach.expression,
      evidence,
      ...(Object.keys(details).length > 0 && { details }),
    },
    count: 1,
    offset: offsetOf(text, reach.at),
  };
}

function cut(kind: Evidence["kind"], text: string): Evidence {
  const short = text.slice(0, EVIDENCE_CHARACTERS);
  return { kind, text: short, cut: short.length < text.length };
}

/** Bytes before a character. */
function offsetOf(text: string, at: number): number {
  return new TextEncoder().encode(text.slice(0, at)).length;
}

function hasTag(text: string): boolean {
  return TAGS.some(([opens, closes]) => {
    const at = text.indexOf(opens);
    return at >= 0 && text.includes(closes, at + opens.length);
  });
}
