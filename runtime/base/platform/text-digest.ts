/** The digest by which two texts are compared, so that neither must be stored. */

/** SHA-256 of the text in UTF-8, in hex. The hash function is loaded at its first use: most verbs need none. */
export function textDigest(text: string | Uint8Array): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex');
}
