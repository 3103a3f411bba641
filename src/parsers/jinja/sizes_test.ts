import assert from "node:assert/strict";
import { test } from "node:test";
import { digitsOf, Domain, extentOf, NUMBER, sizeOfDigits, TEXT } from "./domain.ts";
import { sizeBehind } from "./sizes.ts";

test("a number beyond what a double holds is known by its binary digits", () => {
  const domain = new Domain();
  const number = domain.of([], NUMBER, sizeOfDigits(1_000_000));
  assert.equal(digitsOf(number), 1_000_000);
  const product = sizeBehind("*", number, number);
  assert.equal(product.bits, 2_000_000);
  assert.equal(sizeBehind("**", number, domain.known(3)).bits, 3_000_000);
  assert.equal(sizeBehind("+", number, number).bits, 1_000_001);
  assert.equal(digitsOf(domain.known(1024)), 10);
});

test("a number is as long as its digits where it is written", () => {
  const domain = new Domain();
  assert.equal(Math.round(extentOf(domain.known(1_000_000_000))), 9);
  assert.ok(domain.known({ type: "list", items: [domain.known(1_733_000_000)] }).size < 12);
});

test("a pattern is as long as what its fields are filled with", () => {
  const domain = new Domain();
  const text = domain.of([], TEXT, { size: 1000 });
  const tuple = domain.known({ type: "list", tuple: true, items: [text, text] });
  assert.equal(sizeBehind("%", domain.known("%s%s"), tuple).size, 2004);
  const names = domain.known({ type: "dict", pairs: [[domain.known("a"), text]] });
  assert.ok(sizeBehind("%", domain.known("%(a)s%(a)s%(a)s"), names).size >= 3000);
  assert.ok(sizeBehind("%", domain.known("%r"), text).size >= 2000);
  const width = domain.known({
    type: "list",
    tuple: true,
    items: [domain.of([], NUMBER, { size: 1e9 }), domain.known(1)],
  });
  assert.equal(sizeBehind("%", domain.known("%*d"), width).size, 1e9);
});
