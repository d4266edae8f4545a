/**
 * Secrets that were written into a hook as plain text instead of a variable: a password in its address, a token in its headers. Such a hook is off, and the
 * pinned text of the repository's file contains none of them. Pure.
 */

/** Whether a header of that name holds a secret. */
export function isSecretHeader(name: string): boolean {
  return /authorization|cookie|token|secret|password|api-?key|-key$/i.test(name);
}

const shown = '***';
const address = /^(\s*["']?url["']?\s*=\s*["'][a-z+]+:\/\/)[^\s"']*@/gim;
/** `Name = "value"`, in a table or on one line with others. */
const pair = /(["']?)([A-Za-z0-9!#$%&*+.^_|~-]{1,200})\1(\s*=\s*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*')/g;

/** The text of a configuration without these secrets. The rest is as invalid as before, so the hook stays off. */
export function withoutHookSecrets(text: string): string {
  return text
    .replace(address, `$1${shown}@`)
    .replace(pair, (whole: string, quote: string, name: string, equals: string, value: string) => {
      const isKept = !isSecretHeader(name) || value.length === 2 || value.slice(1).startsWith('env:');
      return isKept ? whole : `${quote}${name}${quote}${equals}"${shown}"`;
    });
}
