/** Values of a configuration as people read them in a message: short, on one line, harmless to a terminal, and without secrets. */
import { withoutSecrets } from '../platform/secrets.ts';
import type { TomlPath } from './toml-place.ts';

const shownLimit = 60;

/** `agents.coder.timeout`, `hooks[2].url` (counted from 1, as people count tables), `agents."a b"`. */
export function dotted(path: TomlPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part + 1}]`;
    else text += `${text === '' ? '' : '.'}${/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return text === '' ? 'the file' : printable(text);
}

/** The found value: its kind, and the value itself unless it may be a secret. */
export function describeFound(path: TomlPath, value: unknown): string {
  if (value === undefined) return 'nothing';
  const kind = kindOf(value);
  if (!isPlain(value)) return kind;
  if (holdsSecret(path)) return kind.replace(/^the/, 'a');
  const shown = typeof value === 'string' ? JSON.stringify(withoutSecrets(value)) : String(value);
  if (shown.length <= shownLimit) return `${kind} ${printable(shown)}`;
  return `${kind} ${printable(shown.slice(0, shownLimit))}… (${shown.length} characters)`;
}

/** Characters that move a cursor, hide text or change its direction, as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'the text';
  if (typeof value === 'number') return 'the number';
  if (typeof value === 'boolean') return 'the truth value';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return value instanceof Date ? 'a date' : 'a table';
}

/** Keys with a secret, or with the variable that holds it: somebody may have written the secret itself. */
const secretKeys: ReadonlySet<unknown> = new Set(['secret', 'token', 'webhook', 'headers', 'env']);

function holdsSecret(path: TomlPath): boolean {
  return path.some((key) => secretKeys.has(key)) || /^store(?:\.url)?$/.test(path.join('.'));
}
