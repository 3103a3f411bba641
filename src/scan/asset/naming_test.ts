import { strict as assert } from "node:assert";
import { test } from "node:test";
import type { Sample } from "../../core/format.ts";
import { compareWithName } from "./naming.ts";

function sample(name: string, content: string, hint?: string): Sample {
  const head = Uint8Array.from(content, (character) => character.charCodeAt(0));
  return { name, head, size: head.length, tail: head, hint };
}

/** Rule ids, with a star where the anomaly makes the file incomplete. */
function said(seen: Sample, matched: readonly string[], root = true): string {
  return compareWithName(seen, matched, root)
    .map((anomaly) => anomaly.rule + (anomaly.unread ? "*" : "")).join(" ");
}

const MATCHED: readonly (readonly [name: string, matched: string, expected: string])[] = [
  ["a.pkl", "pickle", ""],
  ["a.pkl", "torch-legacy", ""],
  ["a.joblib", "compressed", ""],
  ["a.pkl", "zip", "file-extension-mismatch"],
  ["a.pt", "zip", ""],
  ["a.pt", "pickle", ""],
  ["a.pt", "pickle zip", ""],
  ["a.npy", "pickle", "file-extension-mismatch"],
  ["a.npz", "zip", ""],
  ["a.bin", "zip", ""],
  ["a.bin", "npy", ""],
  ["a.txt", "pickle", "file-disguised"],
  ["a.jpg", "zip", "file-disguised"],
  ["a.md", "npy", "file-disguised"],
  ["a.py", "pickle", "file-disguised"],
  ["a.csv", "compressed", "file-disguised"],
  ["a.json", "pickle", "file-disguised"],
  ["a.PNG", "pickle zip", "file-disguised"],
  ["a.docx", "zip", ""],
  ["a.whl", "zip", ""],
  ["a.docx", "pickle", "file-disguised"],
  ["a.py", "torchscript", ""],
  ["a.xyz", "pickle", ""],
  ["a", "pickle", ""],
  ["data.csv.gz", "compressed", ""],
  ["a.h5", "pickle", "file-extension-mismatch"],
  ["a.onnx", "zip", "file-extension-mismatch"],
  ["a.7z", "native", "file-extension-mismatch"],
  ["a.pkl", "native", "file-not-what-name-says*"],
  ["a.7z", "7z native", ""],
  ["a.bin", "native", ""],
  ["a.keras", "zip", ""],
  ["a.h5", "hdf5", ""],
  ["config.json", "keras-config", ""],
  ["a.nemo", "tar", ""],
  ["a.mar", "zip", ""],
  ["a.skops", "pickle", "file-extension-mismatch"],
  ["config.json", "model-config", ""],
  ["chat_template.jinja", "chat-template", ""],
  ["a.safetensors", "gguf", "file-extension-mismatch"],
  ["a.keras", "pickle", "file-extension-mismatch"],
];

test("a name that claims something else than the content is odd, worse when it claims no model", () => {
  for (const [name, matched, expected] of MATCHED) {
    assert.equal(said(sample(name, "…"), matched.split(" ")), expected, `${name} is ${matched}`);
  }
});

const UNMATCHED: readonly (readonly [name: string, inFile: string, inArchive: string])[] = [
  ["a.pkl", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.pt", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.npy", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.zip", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.bin", "file-not-what-name-says*", ""],
  ["a.h5", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.keras", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.pb", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.pbtxt", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.safetensors", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.gguf", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.7z", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.tflite", "file-not-what-name-says*", "file-not-what-name-says*"],
  ["a.circle", "file-unsupported*", "file-unsupported*"],
  ["a.txt", "", ""],
  ["a.py", "", ""],
  ["LICENSE", "", ""],
  ["byteorder", "", ""],
  ["a.xyz", "", ""],
];

test("a name that claims a model whose content is none makes the file incomplete", () => {
  for (const [name, inFile, inArchive] of UNMATCHED) {
    assert.equal(said(sample(name, "not a model"), []), inFile, name);
    assert.equal(said(sample(name, "not a model"), [], false), inArchive, `${name} in an archive`);
  }
});

test("an empty file is incomplete where a model should be, and nothing where none should", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a.pkl", "file-empty*", "file-empty*"],
    ["a.onnx", "file-empty*", "file-empty*"],
    ["a.bin", "file-empty*", "file-empty*"],
    ["_SUCCESS", "", ""],
    ["REQUESTED", "", ""],
    ["a", "", ""],
    ["a.xyz", "", ""],
    ["__init__.py", "", ""],
    ["py.typed", "", ""],
    [".gitkeep", "", ""],
    [".nojekyll", "", ""],
  ];
  for (const [name, inFile, inArchive] of cases) {
    assert.equal(said(sample(name, ""), []), inFile, name);
    assert.equal(said(sample(name, ""), [], false), inArchive, `${name} in an archive`);
  }
});

test("a known format without a reader is named, whatever the file is called", () => {
  const circle = "\x1c\0\0\0CIR0";
  assert.equal(said(sample("a.circle", circle), []), "file-unsupported*");
  assert.equal(said(sample("a.pt", circle), []), "file-unsupported*");
  assert.equal(said(sample("a", circle), []), "file-unsupported*");
  assert.equal(said(sample("a.txt", circle), []), "file-unsupported* file-disguised");
  assert.equal(said(sample("a.pt", circle), ["zip"]), "file-unsupported*");
  const [first] = compareWithName(sample("a.pt", circle), [], true);
  assert.match(first?.detail ?? "", /"a\.pt" is a Circle model/);
});

test("a Git-LFS pointer in a model's place is not the model", () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${
    "0".repeat(64)
  }\nsize 9\n`;
  assert.equal(said(sample("a.pt", pointer), []), "file-lfs-pointer*");
  assert.equal(said(sample("a.safetensors", pointer), []), "file-lfs-pointer*");
  assert.equal(said(sample("weights", pointer), []), "file-lfs-pointer*");
  assert.equal(said(sample("photo.jpg", pointer), []), "");
});

test("bytes that a loader unpickles must be a pickle", () => {
  assert.equal(said(sample("object", "garbage", "pickle"), [], false), "file-not-what-name-says*");
  assert.equal(said(sample("object", "", "pickle"), [], false), "file-empty*");
  assert.equal(said(sample("object", "garbage", "pickle"), ["pickle"], false), "");
});

test("something known behind a model that is not read does not make it read", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a.mnn", "file-extension-mismatch file-unsupported*"],
    ["a.pkl", "file-extension-mismatch file-not-what-name-says*"],
    ["a.pt", ""],
    ["a.keras", ""],
    ["a.skops", ""],
    ["a.jpg", "file-disguised"],
    ["a.bin", ""],
    ["a", ""],
  ];
  for (const [name, expected] of cases) {
    const anomalies = compareWithName(sample(name, "… PK"), ["zip"], true, () => []);
    const text = anomalies.map((one) => one.rule + (one.unread ? "*" : "")).join(" ");
    assert.equal(text, expected, name);
  }
});

test("text of an older alphabet under a name of an unread format is text", () => {
  assert.equal(said(sample("tutor.nb", "Velkommen til \xe5 l\xe6re seg vim\r\n"), []), "");
  for (const binary of ["\x1c\0\0\0", "text \x85\xe5", "text\x7f"]) {
    assert.equal(said(sample("model.nb", binary), []), "file-unsupported*", binary);
  }
});
