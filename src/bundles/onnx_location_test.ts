import assert from "node:assert/strict";
import { test } from "node:test";
import type { Listing, Member } from "../core/types.ts";
import { onnxBundle } from "./onnx.ts";
import { findExternal, locationProblem } from "./onnx_location.ts";

test("a plain path below the model's folder is no problem", () => {
  for (
    const location of [
      ...["model.onnx.data", "weights/part-1.bin", "weights\\part-1.bin", "./w.bin", "a//b.bin"],
      ...["layer.0..weight", "100%.bin", "größe.bin", "model weights.bin", "%41.bin"],
    ]
  ) {
    assert.equal(locationProblem(location), undefined, location);
  }
});

test("a location that leaves the model's folder is a problem however it is written", () => {
  for (
    const location of [
      ...["/etc/passwd", "//host/share", "\\Windows\\win.ini", "\\\\host\\share", "C:\\x", "c:x"],
      ...["..", "../x", "..\\x", "a/../../x", "a\\..\\..\\x", "./../x", "a/./../../x", ".. /x"],
      ...["..%2fx", "%2e%2e/x", "%252e%252e/x", "%2fetc/passwd", "%5c%5chost%5cshare"],
      ...["...", "../x\0w.bin", "w.bin\0", "/etc/passwd\0.bin", " /etc/passwd", " ../x"],
      ...["https://example.com/x", "file:///etc/passwd", "file:x", "s3://bucket/x"],
      ...["*/_ORT_MEM_ADDR_/*", "%2a/_ORT_MEM_ADDR_/*"],
    ]
  ) {
    assert.equal(locationProblem(location)?.kind, "outside", JSON.stringify(location));
  }
});

test("a location that no exporter writes is odd", () => {
  for (
    const location of [
      ...["", " ", "a/../b", ".ssh/id_rsa", ".env", "~/x", "~root/x", "a/.git/config", "a\nb"],
    ]
  ) {
    assert.equal(locationProblem(location)?.kind, "odd", JSON.stringify(location));
  }
});

const file = (name: string, size = 8): Member => ({ name, kind: "file", size });
const link = (name: string, linkTarget: string, size = 8): Member => ({
  name,
  kind: "link",
  size,
  linkTarget,
});
const folder = (name: string): Member => ({ name, kind: "folder" });
const listing = (members: Member[], format = "folder"): Listing => ({ format, members });

function kindOf(members: Member[], location = "w.bin", model = "model.onnx"): string | undefined {
  const found = findExternal(listing([file(model), ...members]), model, location);
  return found?.type === "problem" ? found.problem.kind : found?.type;
}

test("data beside the model are found with their size", () => {
  assert.deepEqual(
    findExternal(listing([file("model.onnx"), file("w.bin", 12)]), "model.onnx", "w.bin"),
    {
      type: "file",
      size: 12,
    },
  );
  const deep = [folder("m"), folder("m/data"), file("m/data/w.bin")];
  assert.equal(kindOf(deep, "data/w.bin", "m/model.onnx"), "file");
  assert.equal(kindOf(deep, "data\\w.bin", "m/model.onnx"), "file");
});

test("data that are not beside the model are missing, where the folder was listed", () => {
  assert.equal(kindOf([]), "missing");
  assert.equal(kindOf([folder("data")], "data/w.bin"), undefined);
  assert.equal(findExternal(listing([]), "model.onnx", "w.bin"), undefined);
});

test("a link that leads out of what was scanned is a problem", () => {
  for (const target of ["../secrets.bin", "/etc/passwd", "C:\\x", "a/../../x", "..\\x"]) {
    assert.equal(kindOf([link("w.bin", target)]), "outside", target);
  }
  assert.equal(kindOf([link("w.bin", "other.bin"), link("other.bin", "../x")]), "outside");
  assert.equal(kindOf([link("data", "../elsewhere")], "data/w.bin"), "outside");
  assert.equal(kindOf([link("w.bin", "w.bin")]), "outside");
});

test("a link that stays inside is a file like any other", () => {
  assert.equal(kindOf([link("w.bin", "other.bin"), file("other.bin")]), "file");
  assert.equal(
    kindOf([link("m/w.bin", "../other.bin"), file("other.bin")], "w.bin", "m/a.onnx"),
    "file",
  );
});

test("a hub's cache, where the model is a link into the same folder as its data, is no problem", () => {
  const blob = "../../blobs/";
  const members = [link("model.onnx", `${blob}aa`), link("w.bin", `${blob}bb`)];
  assert.equal(findExternal(listing(members), "model.onnx", "w.bin")?.type, "file");
  const elsewhere = [link("model.onnx", `${blob}aa`), link("w.bin", "../../other/bb")];
  assert.equal(findExternal(listing(elsewhere), "model.onnx", "w.bin")?.type, "problem");
});

test("a hard link is a problem unless the model has other names too", () => {
  const hard = (name: string): Member => ({ name, kind: "hardlink", size: 8 });
  assert.equal(kindOf([hard("w.bin")]), "outside");
  const both = listing([hard("model.onnx"), hard("w.bin")]);
  const found = findExternal(both, "model.onnx", "w.bin");
  assert.equal(found?.type === "problem" && found.problem.kind, "odd");
});

test("in an archive a link that lies where a model has its data and leads out is reported", () => {
  const archive = listing([
    file("m/model.onnx"),
    link("m/w.bin", "../../etc/passwd"),
    link("m/data", "/srv"),
    link("m/fine.bin", "../shared/w.bin"),
    { name: "m/hard.bin", kind: "hardlink", linkTarget: "m/fine.bin" },
    { name: "m/out.bin", kind: "hardlink", linkTarget: "../etc/passwd" },
    link("elsewhere/w.bin", "/etc/passwd"),
  ], "tar");
  assert.ok(onnxBundle.matches(archive));
  const reported = [...onnxBundle.observe(archive) as Iterable<{ part: string }>];
  assert.deepEqual(reported.map(({ part }) => part), ["m/w.bin", "m/data", "m/out.bin"]);
  assert.ok(!onnxBundle.matches(listing([file("m/model.onnx"), file("m/w.bin")], "tar")));
  assert.ok(!onnxBundle.matches(listing([link("m/w.bin", "/etc/passwd")], "tar")));
});
