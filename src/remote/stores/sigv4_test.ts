import assert from "node:assert/strict";
import { test } from "node:test";
import { signV4 } from "./sigv4.ts";

/**
 * The examples that AWS publishes.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html#sig-v4-examples-using-sdks
 */
const EXAMPLES = [
  {
    path: "/test.txt",
    headers: { range: "bytes=0-9" },
    names: "host;range;x-amz-content-sha256;x-amz-date",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    path: "/?lifecycle",
    headers: {},
    names: "host;x-amz-content-sha256;x-amz-date",
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    path: "/?max-keys=2&prefix=J",
    headers: {},
    names: "host;x-amz-content-sha256;x-amz-date",
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
];

const SIGNED = {
  keys: {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  },
  region: "us-east-1",
  service: "s3",
  now: Date.UTC(2013, 4, 24),
};

test("the examples that AWS publishes get the signatures that it publishes", async () => {
  for (const { path, headers, names, signature } of EXAMPLES) {
    const url = new URL(path, "https://examplebucket.s3.amazonaws.com");
    // What is not signed changes nothing.
    const all = { ...headers, "user-agent": "x", "if-range": '"e"', accept: "*/*" };
    const signed = await signV4({ ...SIGNED, url, headers: all });
    assert.equal(
      signed["authorization"],
      `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,` +
        `SignedHeaders=${names},Signature=${signature}`,
    );
    assert.equal(signed["x-amz-date"], "20130524T000000Z");
  }
});

test("queries are signed sorted, whatever their order in the address", async () => {
  const sign = async (path: string): Promise<string | undefined> => {
    const url = new URL(path, "https://examplebucket.s3.amazonaws.com");
    return (await signV4({ ...SIGNED, url, headers: {} }))["authorization"];
  };
  assert.equal(await sign("/?prefix=J&max-keys=2"), await sign("/?max-keys=2&prefix=J"));
  assert.equal(await sign("/a%2Bb%20(c)"), await sign("/a%2bb%20%28c%29"));
  assert.notEqual(await sign("/a+b"), await sign("/a%20b"));
});
