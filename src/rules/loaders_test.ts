import assert from "node:assert/strict";
import { test } from "node:test";
import { loaderOf } from "./loaders.ts";

type Place = readonly (string | number)[];

/** What is wrong, and where: keys from the entry on. */
class Refused extends Error {
  readonly place: Place;
  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

const refuse = Object.assign(
  (message: string, place: Place = []): never => {
    throw new Refused(message, place);
  },
  {
    word: (what: string, word: string, words: readonly string[], place: Place): never => {
      throw new Refused(`${what} ${word} is none of ${words.join()}`, place);
    },
  },
);

const ENTRY = {
  id: "acme-train",
  library: "acme",
  files: ["*.yaml"],
  keys: ["model.class\\.name"],
  code: [{ at: "model.target", does: "call" }],
};

/** The entry with other values. */
const read = (changes: object) => loaderOf({ ...ENTRY, ...changes }, refuse);

test("an entry gets its defaults, and keys are paths", () => {
  const entry = read({});
  assert.deepEqual([entry.versions, entry.language, entry.runs], ["all", "loader", []]);
  assert.deepEqual(entry.keys, [["model", "class.name"]]);
  assert.deepEqual(entry.code, [{ at: ["model", "target"], does: "call" }]);
  assert.ok(!("proof" in entry) && !("says" in entry));
});

test("a place with code has what is written, and nothing else", () => {
  const all = {
    ...{ at: "a", does: "call", beside: ["b"], text: "^x", attribute: "c" },
    ...{ key: true, common: true },
  };
  assert.deepEqual(read({ code: [all] }).code, [{ ...all, at: ["a"] }]);
  assert.deepEqual(read({ code: [{ tag: "!f", does: "call" }] }).code[0]?.tag, "!f");
  const empty = { at: "a", does: "call", beside: [], key: false, common: false };
  assert.deepEqual(read({ code: [empty] }).code, [{ at: ["a"], does: "call" }]);
});

test("a proof says how, of which release, and where", () => {
  const proof = { how: "run", release: "1.2", reference: "https://example.org" };
  assert.deepEqual(read({ proof }).proof, proof);
});

test("what is wrong is refused at its place", () => {
  const code = (one: object) => ({ code: [{ at: "a", does: "call", ...one }] });
  const wrong: readonly (readonly [object, RegExp, Place])[] = [
    [{ idd: "x" }, /key of a loader idd/u, ["idd"]],
    [{ id: "Acme_Train" }, /no id of a loader/u, ["id"]],
    [{ id: undefined }, /"id" must be text, but is missing/u, ["id"]],
    [{ library: "" }, /"library" must be text/u, ["library"]],
    [{ code: [] }, /names no place with code/u, []],
    [{ code: {} }, /"code" must be a list/u, ["code"]],
    [{ code: ["x"] }, /must hold tables/u, ["code", 0]],
    [{ keys: [1] }, /must hold texts/u, ["keys"]],
    [{ language: "ini" }, /language ini/u, ["language"]],
    [{ says: "(" }, /no regular expression/u, ["says"]],
    [code({ at: undefined }), /either "at" or "tag"/u, ["code", 0]],
    [code({ tag: "!f" }), /either "at" or "tag"/u, ["code", 0]],
    [code({ does: "dance" }), /action of a loader dance/u, ["code", 0, "does"]],
    [code({ key: "yes" }), /must be true or false/u, ["code", 0, "key"]],
    [code({ at: undefined, tag: "!f", key: true }), /"key" needs "at"/u, ["code", 0]],
    [code({ text: "(a+)+" }), /repeats what repeats/u, ["code", 0, "text"]],
    [code({ where: "x" }), /key of a place with code where/u, ["code", 0, "where"]],
    [{ proof: "yes" }, /"proof" must be a table/u, ["proof"]],
    [{ proof: { how: "guess" } }, /proof guess/u, ["proof", "how"]],
    [{ proof: { how: "run" } }, /"release" must be text/u, ["proof", "release"]],
    [{ hit: ["x"] }, /an example must be a table/u, ["hit", 0]],
    [{ miss: [{ "a.yaml": 1 }] }, /must be text/u, ["miss", 0]],
  ];
  for (const [changes, message, place] of wrong) {
    assert.throws(() => read(changes), (error: unknown) => {
      assert.ok(error instanceof Refused, String(error));
      assert.match(error.message, message);
      assert.deepEqual(error.place, place, error.message);
      return true;
    });
  }
});
