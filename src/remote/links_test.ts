import assert from "node:assert/strict";
import { test } from "node:test";
import { readLinks } from "./links.ts";

const next = (header: string) =>
  readLinks(header)?.filter(({ relations }) => relations.includes("next")).map((it) => it.target);

test("links are read as RFC 8288 has them", () => {
  for (
    const header of [
      '</b>; rel="next"',
      "</b>;rel=next",
      '</b> ; REL = "Next"',
      '</b>; rel="prev next"',
      '</b>; title="a, <c>; rel=\\"x"; rel="next"',
      '</a>; rel="first", </b>; rel="next"',
      ',, </b>; rel="next" , </a>; rel="last",',
      '</b>; rel="next"; rel="prev"',
      '</b>; crossorigin; rel="next";',
      "</b>; title*=UTF-8''a%20b; rel=next",
      '</a,x>; rel="prev", </b>; rel="next"',
    ]
  ) {
    assert.deepEqual(next(header), ["/b"], header);
  }
  for (
    const header of ["", '</a>; rel="prev"', "</a>", '</a>; rel="nextpage"', '</a>; x="; rel=next"']
  ) {
    assert.deepEqual(next(header), [], header);
  }
});

test("what is no header of links is undefined", () => {
  for (
    const header of [
      "/b; rel=next",
      "<b",
      '</b> rel="next"',
      '</b>; rel="next',
      "</b>; rel=",
      "</a> </b>; rel=next",
    ]
  ) {
    assert.equal(readLinks(header), undefined, header);
  }
});
