import { describe, expect, it } from "vitest";
import { bytesOf, hex, hmac, sha256 } from "../widget/src/hash";

const many = (byte: number, times: number) => new Uint8Array(times).fill(byte);
const upTo25 = Uint8Array.from({ length: 25 }, (_, index) => index + 1);
const LONG_KEY = "Test Using Larger Than Block-Size Key - Hash Key First";
const LONG_BOTH =
  "This is a test using a larger than block-size key and a larger than block-size data. " +
  "The key needs to be hashed before being used by the HMAC algorithm.";

describe("the widget's SHA-256", () => {
  // The examples of FIPS 180-4, https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("hashes %.20s", (text, digest) => {
    expect(hex(sha256(bytesOf(text)))).toBe(digest);
  });
});

describe("the widget's HMAC-SHA256", () => {
  // RFC 4231, section 4; case 5 is of a truncated output, which we have not.
  it.each([
    ["case 1", many(0x0b, 20), bytesOf("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    ["case 2", "Jefe", bytesOf("what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
    ["case 3", many(0xaa, 20), many(0xdd, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"],
    ["case 4", upTo25, many(0xcd, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"],
    ["case 6", many(0xaa, 131), bytesOf(LONG_KEY), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"],
    ["case 7", many(0xaa, 131), bytesOf(LONG_BOTH), "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"],
  ])("signs %s", (_, key, data, signature) => {
    expect(hmac(key, data)).toBe(signature);
  });
});
