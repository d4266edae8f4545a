/** The digest by which two texts are compared, and one is known without being kept. */

/** SHA-256 of the text in UTF-8, in hex. What digests is loaded with the first one: most verbs need none. */
export function textDigest(text: string | Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex');
}
