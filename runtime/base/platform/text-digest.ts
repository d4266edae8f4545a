/** The digest that shows whether a plan's file has changed since it was read. */

/** SHA-256 of the text in UTF-8, in hex. What digests is loaded with the first one: most verbs need none. */
export function textDigest(text: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex');
}
