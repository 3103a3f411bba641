import assert from "node:assert/strict";
import { test } from "node:test";
import { shownAddress, shownUrl, withoutSecrets } from "./shown_url.ts";

test("no query, fragment or password of an address is shown, however it is mistyped", () => {
  for (
    const [text, shown] of [
      ["https://h.test/m?sig=SECRET", "https://h.test/m"],
      ["https://u:SECRET@h.test:99999/m", "https://h.test:99999/m"],
      ["https:/h.test/m?sig=SECRET", "https:/h.test/m"],
      ["https//u:SECRET@h.test/m", "https//h.test/m"],
      ["h.test/m?sig=SECRET&x=/a", "h.test/m"],
      ["//h.test/m?sig=SECRET", "//h.test/m"],
      ["https:\\\\u:SECRET@h.test\\m?x=SECRET", "https:\\\\h.test\\m"],
      [" https://h.test/a?SECRET", " https://h.test/a"],
      ["git+https://u:SECRET@h.test/a#SECRET", "git+https://h.test/a"],
      ["u:SECRET@h.test:a/b", "h.test:a/b"],
      ["hf://u:SECRET@a/b?c", "hf://a/b"],
    ] as const
  ) {
    assert.equal(shownAddress(text), shown);
    assert.equal(withoutSecrets(`open '${text}'`, text), `open '${shown}'`);
  }
  assert.equal(shownUrl(new URL("https://u:SECRET@h.test/m?SECRET#SECRET")), "https://h.test/m");
});

test("paths and patterns are shown as they are", () => {
  for (
    const text of [
      ...[
        "models/a.pt",
        "C:\\models\\a.pt",
        "models/*.p?",
        "a?/b.pt",
        "hf://a/b@v1.0/c",
        "org/model@main",
      ],
      ...["a#b/c.pt", "user@host/a", ""],
    ]
  ) {
    assert.equal(shownAddress(text), text);
  }
});
