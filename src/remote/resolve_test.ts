import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { isPublicAddress } from "./addresses.ts";
import { HUB, isRemote, resolveRemote, resolveRepository } from "./resolve.ts";

const ENDPOINT = new URL(HUB);

/** `kind id @revision path`, or the URL. */
function shown(argument: string): string {
  const target = resolveRemote(argument, ENDPOINT);
  if (target.type === "url") return target.url.href;
  assert.equal(target.type, "hub");
  if (target.type !== "hub") return "";
  return `${target.kind} ${target.id} @${target.revision ?? ""} ${target.path}${
    target.file ? " file" : ""
  }`;
}

test("repositories, revisions and paths are distinguished", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["hf://org/model", "models org/model @ "],
    ["hf://gpt2", "models gpt2 @ "],
    ["hf://gpt2@main/a.bin", "models gpt2 @main a.bin"],
    ["hf://org/model@v1.0/a/b.pt", "models org/model @v1.0 a/b.pt"],
    ["hf://org/model@refs%2Fpr%2F1", "models org/model @refs/pr/1 "],
    ["hf://datasets/org/data/x.pkl", "datasets org/data @ x.pkl"],
    ["HF://spaces/org/app", "spaces org/app @ "],
    ["https://huggingface.co/org/model", "models org/model @ "],
    ["https://hf.co/org/model/", "models org/model @ "],
    ["https://huggingface.co/org/model/tree/main/onnx", "models org/model @main onnx"],
    ["https://huggingface.co/org/model/tree/refs%2Fpr%2F1", "models org/model @refs/pr/1 "],
    ["https://huggingface.co/org/model/blob/main/a.bin", "models org/model @main a.bin file"],
    [
      "https://huggingface.co/org/model/resolve/abc/a%20b.bin?download=true",
      "models org/model @abc a b.bin file",
    ],
    ["https://huggingface.co/datasets/org/d/blob/main/x", "datasets org/d @main x file"],
    ["https://huggingface.co/org/model/discussions/3", "models org/model @ "],
    ["https://huggingface.co/api/models/x", "https://huggingface.co/api/models/x"],
    ["https://huggingface.co.evil.test/org/model", "https://huggingface.co.evil.test/org/model"],
    ["https://github.com/o/r/releases/download/v1/m.pt", ""],
    ["https://bucket.s3.amazonaws.com/m.pt?X-Amz-Signature=1", ""],
  ];
  for (const [argument, expected] of cases) {
    assert.equal(shown(argument), expected === "" ? argument : expected, argument);
  }
});

test("what names nothing, leaves its place or carries a password is refused", () => {
  for (
    const argument of [
      "hf://",
      "hf://org/",
      "hf://../x",
      "hf://org/model/../../x",
      "hf://org/model@",
      "hf://org/model@../x",
      "https://a:b@example.com/",
      "https://",
    ]
  ) {
    assert.throws(() => resolveRemote(argument, ENDPOINT), ConfigError, argument);
  }
  assert.throws(() => resolveRepository("https://example.com/x", ENDPOINT), /--url/);
  assert.equal(resolveRepository("org/model", ENDPOINT).id, "org/model");
});

test("paths are no addresses", () => {
  assert.deepEqual(
    ["model.pt", "./hf/x", "C:\\x", "s3a://a/b", "-", "HTTPS://x", "hf://a/b", "S3://a/b"].map(
      isRemote,
    ),
    [false, false, false, false, false, true, true, true],
  );
});

test("addresses of the public internet are distinguished from all others", () => {
  for (const it of ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "[2a00::1]"]) {
    assert.equal(isPublicAddress(it), true, it);
  }
  const inner = [
    "10.1.2.3",
    "100.64.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "172.31.0.1",
    "224.0.0.1",
  ]
    .concat([
      "192.168.1.1",
      "198.18.0.1",
      "255.255.255.255",
      "0.0.0.0",
      "::",
      "::1",
      "fe80::1%eth0",
    ])
    .concat(["fd12::1", "ff02::1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"])
    .concat(["2001:db8::1", "2001::1", "2002:a00:1::1", "", "example.com", "1.2.3", "1.2.3.256"]);
  for (const it of inner) assert.equal(isPublicAddress(it), false, it);
});
