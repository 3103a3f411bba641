import assert from "node:assert/strict";
import { test } from "node:test";
import { hasJinja, isGoTemplate, speaksOfConversation } from "./recognise.ts";

test("a chat template speaks of a conversation in its code", () => {
  for (
    const text of [
      "{% for message in messages %}{{ message.content }}{% endfor %}",
      "{{ bos_token }}",
      "{%- if add_generation_prompt -%}x{%- endif -%}",
      "{{ x }} {% set m = messages[1:] %}",
      "{{ ().__class__ }}",
      "{{ messages",
    ]
  ) {
    assert.ok(speaksOfConversation(text), text);
  }
});

test("other templates, and texts about messages, do not", () => {
  for (
    const text of [
      "messages: {{ count }}",
      "{# messages #}{{ x }}",
      "{{ user.messages }}",
      "{{ .messages }}",
      "{{ 'messages' }}",
      '{% trans "You have new messages." %}',
      "{% firstof value 'No message supplied' %}{{ info.message }}",
      "{{ message }}",
      "{{ $messages }}",
      "server { listen ${PORT}; }",
      "{{ cookiecutter.name }}",
      "{% if x %}bos_token{% endif %}",
      "",
    ]
  ) {
    assert.ok(!speaksOfConversation(text), text);
  }
});

test("Go's templates are recognised by their expressions, unless a statement of Jinja stands with them", () => {
  assert.ok(isGoTemplate("{{ .System }}"));
  assert.ok(isGoTemplate("{{- range $x := .Messages }}{{ end }}"));
  assert.ok(!isGoTemplate("{{ x }}"));
  assert.ok(!isGoTemplate("{{ .x }}{% if y %}"));
  assert.ok(!isGoTemplate("no template"));
});

test("brackets of each kind make Jinja", () => {
  for (const text of ["{{ a }}", "{% a %}", "{# a #}"]) assert.ok(hasJinja(text), text);
  for (const text of ["{ a }", "", "}}"]) assert.ok(!hasJinja(text), text);
});

test("brackets that are never closed take linear time", () => {
  for (const unit of ["{{", "{%", "{#", "{{ a %}", "{% a }}"]) {
    speaksOfConversation(unit.repeat(200_000));
    isGoTemplate(unit.repeat(200_000));
  }
});
