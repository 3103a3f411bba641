/**
 * Chat templates: Jinja programs that a tokenizer renders.
 *
 * @module
 */

import { type FormatDescriptor, once, type Sample } from "../../core/format.ts";
import { HINT } from "../../core/hints.ts";

/** Chat templates. */
export const templateDescriptor: FormatDescriptor = {
  id: "template",
  title: "Chat templates",
  role: "code",
  claims: [],
  readers: [
    {
      id: "chat-template",
      malformedRule: "template-malformed",
      label: "a chat template",
      under: "txt jinja jinja2 j2 template tmpl tpl",
      patternSearch: "text",
      mayMatch: mayBeTemplate,
      load: once(async () => (await import("./mod.ts")).chatTemplateFormat),
      samples: {
        harmful: "template/harmful/dict_keys/chat_template.jinja",
        harmless: "template/safe/phi3_5/chat_template.jinja",
      },
    },
  ],
  coverage: [
    [
      "chat templates",
      "in GGUF, JSON, YAML, `.jinja`, `.template`, `.txt`: what they reach, however it is spelled",
    ],
  ],
};

function mayBeTemplate({ name, hint }: Sample): boolean {
  return hint === HINT.chatTemplate || /\.(?:jinja2?|j2|template|tmpl|tpl|txt)$/iu.test(name);
}
