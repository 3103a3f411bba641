/**
 * Recognises the chat templates of much used model families, white space aside, and those that differ
 * from one behind their beginning. That is evidence for people, and no reason for a verdict.
 *
 * @module
 */

import { KNOWN_TEMPLATES } from "./known_templates.ts";

/**
 * Characters by which a template is recognised that was changed behind them. The longest in packages in use
 * has 19,574.
 */
const START = 400;
const START_DIGITS = 16;

/** What is known of a template, as a sentence without its end; undefined when nothing is. */
export async function recognised(text: string): Promise<string | undefined> {
  const plain = text.replace(/[ \t\n\r\f\v]+/gu, " ").trim();
  const digest = await sha256(plain);
  const same = KNOWN_TEMPLATES.find((one) => one.sha256 === digest);
  if (same !== undefined) return `known: ${same.family} (${same.source})`;
  const start = (await sha256(plain.slice(0, START))).slice(0, START_DIGITS);
  const near = KNOWN_TEMPLATES.find((one) => one.start === start);
  return near && `differs from ${near.family} (${near.source})`;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
