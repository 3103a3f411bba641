import assert from "node:assert/strict";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";

const PROXY = "http://u:SECRET@127.0.0.1:1";

/** Command lines, each with the environment that it is run with. */
const LINES: readonly (readonly [args: readonly string[], env?: Record<string, string>])[] = [
  ...[
    ...[
      "https://h.test:99999/m?sig=SECRET",
      "https://h.test:bad/m?sig=SECRET",
      "https://[::1/m?SECRET",
    ],
    ...[
      "https://u:SECRET@h.test/m",
      "HTTPS://U:SECRET@H.test/m",
      "https:\\\\u:SECRET@h.test\\m?x=SECRET",
    ],
    ...["htps://h.test/m?sig=SECRET", "https:/h.test/m?sig=SECRET", "https:h.test/m?sig=SECRET"],
    ...[
      "//h.test/m?sig=SECRET",
      "h.test/m?sig=SECRET",
      "https//u:SECRET@h.test/m",
      " https://h.test/m?x=SECRET",
    ],
    ...["s3://b/m?sig=SECRET", "git+https://u:SECRET@h.test/a", "huggingface.co/a/b?token=SECRET"],
    ...[
      "hf://a/b?token=SECRET",
      "hf://a/b/c?token=SECRET",
      "hf://a/b#SECRET",
      "hf://u:SECRET@a/b",
      "hf:a/b?t=SECRET",
    ],
    ...["hf://a?b=SECRET/..", "https://huggingface.co/a/b/resolve/main/..%2f?x=SECRET"],
    "https://127.0.0.1:1/m?sig=SECRET",
  ].map((it) => [[it]] as const),
  [["--offline", "https://h.test/m?sig=SECRET"]],
  [["--offline", "https://u:SECRET@h.test/m"]],
  [["https://h.test/m?sig=SECRET"], { HF_HUB_OFFLINE: "1" }],
  [["--url", "ftp://u:SECRET@h.test/m?sig=SECRET"]],
  [["--hf", "https://h.test/m?sig=SECRET"]],
  [["--hf", "a/b?sig=SECRET"]],
  [["--baseline", "https://u:SECRET@h.test/b.json?sig=SECRET", "x"]],
  [["--config", "https://u:SECRET@h.test/b.toml?sig=SECRET", "x"]],
  [["--output", "json=https://u:SECRET@h.test/b.json?sig=SECRET", "x"]],
  [["convert", "https://u:SECRET@h.test/b.json?sig=SECRET"]],
  [["baseline", "https://h.test:99999/b?sig=SECRET"]],
  [["hf://a/b"], { HF_ENDPOINT: "https://u:SECRET@h.test" }],
  [["hf://a/b"], { HF_ENDPOINT: "https://h.test?x=SECRET" }],
  [["hf://a/b"], { HF_ENDPOINT: "htps://u:SECRET@h.test" }],
  [["hf://a/b"], { HF_TOKEN: "SECRET\nx" }],
  [["hf://a/b"], { HTTPS_PROXY: "ftp://u:SECRET@p.test" }],
  [["hf://a/b", "https://h.test/m?sig=SECRET"], { HTTPS_PROXY: PROXY, HF_TOKEN: "hf_SECRET" }],
];

test("no query, password or token is in any message or report", async () => {
  for (const format of ["text", "json", "sarif"]) {
    for (const [args, env = {}] of LINES) {
      const io = testIo({ env, now: Date.now });
      const [first = ""] = args;
      const command = ["convert", "baseline"].includes(first) ? [] : ["--format", format];
      const code = await runMain([...args, ...command], io);
      const written = io.stdout.text + io.stderr.text;
      assert.ok(written.length > 0, args.join(" "));
      assert.notEqual(code, 0, args.join(" "));
      assert.doesNotMatch(written, /SECRET/, args.join(" "));
    }
  }
});
