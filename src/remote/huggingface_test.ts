import assert from "node:assert/strict";
import { test } from "node:test";
import { takesToken } from "./huggingface.ts";

test("the token goes to the hub's interface and to files of repositories, nowhere else", () => {
  const hub = new URL("https://hub.test");
  const mirror = new URL("https://hub.test/mirror/");
  for (
    const path of [
      ...[
        "api/models/a/b",
        "api/resolve-cache/models/a/b/c/d",
        "a/b/resolve/main/x",
        "gpt2/resolve/main/x",
      ],
      ...["datasets/a/b/resolve/main/x", "spaces/a/b/raw/main/x/y"],
    ]
  ) {
    assert.ok(takesToken(hub, new URL(path, hub)), path);
    assert.ok(takesToken(mirror, new URL(path, mirror)), path);
    assert.ok(!takesToken(mirror, new URL(path, hub)), path);
    assert.ok(!takesToken(hub, new URL(path, "https://cdn.hub.test")), path);
    assert.ok(!takesToken(hub, new URL(path, "http://hub.test")), path);
    assert.ok(!takesToken(hub, new URL(path, "https://hub.test:8443")), path);
  }
  for (
    const path of [
      "",
      "login",
      "a/b",
      "a/b/blob/main/x",
      "x/a/b/resolve/main/x",
      "apix/y",
      "oauth/resolve",
    ]
  ) {
    assert.ok(!takesToken(hub, new URL(path, hub)), path);
  }
});
