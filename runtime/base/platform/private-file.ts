/** Files that hold a secret of this user. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { systemCode } from './system-code.ts';

/**
 * The file's text; null: there is none. No link is followed: a caller that asks for the secret would get the content of its target. Throws `home_unusable` with
 * that hint if it is not a file that is private to this user.
 */
export function readPrivate(file: string, hint: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return null;
    throw new EngineError('home_unusable', `${file} cannot be read, or is a link`, hint, { cause });
  }
  try {
    const found = fstatSync(descriptor);
    const isOwn = process.getuid === undefined || found.uid === process.getuid();
    if (found.isFile() && isOwn && (found.mode & 0o077) === 0) return readFileSync(descriptor, 'utf8');
    throw new EngineError('home_unusable', `${file} is not a file that this user alone may read`, hint);
  } finally {
    closeSync(descriptor);
  }
}
