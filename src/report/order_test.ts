import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileReport, Finding } from "../core/types.ts";
import { locationText, orderErrors, orderFiles, orderFilesByPath, orderFindings } from "./order.ts";

function finding(
  severity: Finding["severity"],
  path: string,
  parts: string[] = [],
  offset?: number,
): Finding {
  return {
    ...{ ruleId: "r", severity, safety: "suspicious", message: "m", location: { path, parts } },
    ...{ count: 1, details: {} },
    ...(offset !== undefined && { offset }),
  };
}
function file(path: string, verdict: FileReport["verdict"], riskScore = 0): FileReport {
  return {
    ...{ path, verdict, riskScore, formats: [], size: 0, bytesRead: 0, findings: [], errors: [] },
    partsScanned: 0,
  };
}

test("findings come worst first, then by place, numbers as numbers, then by offset", () => {
  const given = [
    finding("low", "a"),
    finding("critical", "b", ["stream_10"]),
    finding("critical", "b", ["stream_2"], 9),
    finding("critical", "b", ["stream_2"]),
    finding("critical", "b"),
    finding("critical", "a10"),
    finding("critical", "a9"),
  ];
  const texts = orderFindings(given).map(({ severity, location, offset }) =>
    `${severity} ${locationText(location)} ${offset ?? ""}`.trim()
  );
  assert.deepEqual(texts, [
    "critical a9",
    "critical a10",
    "critical b",
    "critical b:stream_2",
    "critical b:stream_2 9",
    "critical b:stream_10",
    "low a",
  ]);
  assert.equal(given[0]?.severity, "low");
});

test("files come by verdict, then risk, then path", () => {
  const files = [
    file("z", "clean"),
    file("b", "dangerous", 7.5),
    file("a", "dangerous", 7.5),
    file("c", "dangerous", 10),
    file("i", "incomplete"),
    file("s", "skipped"),
    file("u", "suspicious"),
  ];
  assert.deepEqual(orderFiles(files).map(({ path }) => path), ["c", "a", "b", "i", "u", "z", "s"]);
  assert.deepEqual(orderFilesByPath(files).map(({ path }) => path).join(""), "abcisuz");
});

test("errors come by place, then message; equal numbers of other digits stay apart", () => {
  const error = (path: string, message = "m") => ({
    location: { path, parts: [] },
    message,
    remedy: "",
  });
  const ordered = orderErrors([error("f2"), error("f02"), error("f1", "z"), error("f1", "a")]);
  assert.deepEqual(ordered.map(({ location, message }) => `${location.path} ${message}`), [
    "f1 a",
    "f1 z",
    "f02 m",
    "f2 m",
  ]);
});
