import assert from "node:assert/strict";
import { test } from "node:test";
import { isInert } from "./huggingface.ts";

test("texts are left unread, chat templates and whatever may be a model are not", () => {
  for (const path of ["README.md", "a/notes.txt", "x.png", "LICENSE", "vocab.csv"]) {
    assert.ok(isInert(path), path);
  }
  for (const path of ["chat_template.txt", "a/chat_template_tools.txt", "x.template", "m.bin"]) {
    assert.ok(!isInert(path), path);
  }
});
