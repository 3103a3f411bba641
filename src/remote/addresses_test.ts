import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicAddress } from "./addresses.ts";

test("addresses of the public internet are public", () => {
  const addresses = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255"];
  const six = ["2606:4700::1111", "[2a00::1]", "2001:4860:4860::8888", "::ffff:8.8.8.8"];
  for (const address of [...addresses, ...six, "64:ff9b::808:808", "2002:808:808::"]) {
    assert.ok(isPublicAddress(address), address);
  }
});

test("private, loopback and reserved addresses are not, in any form that carries them", () => {
  // The registries of special-purpose addresses of IANA.
  const four = [
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254"],
    ...["172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1"],
    ...[
      "198.19.255.255",
      "198.51.100.1",
      "203.0.113.1",
      "224.0.0.1",
      "240.0.0.1",
      "255.255.255.255",
    ],
  ];
  for (const address of four) {
    const hex = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
    const groups = `${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`;
    const forms = [`::ffff:${address}`, `::${address}`, `64:ff9b::${address}`, `2002:${groups}::`];
    for (const form of [address, ...forms]) assert.ok(!isPublicAddress(form), form);
  }
  const six = ["::", "::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"];
  for (const address of [...six, "2001::1", "2001:2::1", "3fff::1", "[::1]", "100::1", "5f00::1"]) {
    assert.ok(!isPublicAddress(address), address);
  }
});

test("what is no address is not public", () => {
  const texts = [
    "",
    "localhost",
    "1.2.3",
    "256.1.1.1",
    "0x7f.1",
    "1.2.3.4.5",
    ":::",
    "g::1",
    "::1::",
  ];
  for (const text of texts) assert.ok(!isPublicAddress(text), text);
});
