/** A configuration file's text: read once, limited in size, with its own message for each fault that is found before the first key. */
import { lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, isError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { systemCode } from '../platform/system-code.ts';

/** Far above any real configuration; keeps a wrong path from filling the memory. */
const configLimitBytes = 256 * 1024;

/** The text without its byte order mark, or null if there is no such file. Throws `bad_config`. */
export function readConfigText(file: string): string | null {
  try {
    return readText(file);
  } catch (thrown) {
    if (thrown instanceof EngineError) throw thrown;
    switch (systemCode(thrown)) {
      case 'ENOENT':
        if (!isLink(file)) return null;
        throw bad(
          `${file} is a link to a file that is not there: ${readlinkSync(file)}`,
          'make that file, or delete the link',
          thrown,
        );
      case 'ENOTDIR':
        throw bad(
          `${file}: a part of this path is a file, not a folder`,
          'rename that file, or make it a folder',
          thrown,
        );
      case 'EACCES':
      case 'EPERM':
        // Whether there is such a file is not known where its folder is closed.
        throw bad(
          `${file} cannot be read: permission denied`,
          isReached(thrown)
            ? `chmod u+r ${shellWord(file)}`
            : `see whose folder it is: ls -ld ${shellWord(dirname(file))}`,
          thrown,
        );
      default:
        throw bad(
          `${file} cannot be read: ${messageOf(thrown)}`,
          'check the path and the disk, then try again',
          thrown,
        );
    }
  }
}

function isLink(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function isReached(thrown: unknown): boolean {
  return isError(thrown) && 'syscall' in thrown && thrown.syscall !== 'stat';
}

function readText(file: string): string {
  const stat = statSync(file);
  if (stat.isDirectory()) throw bad(`${file} is a folder, not a file`, 'move the folder away');
  // Reading a pipe or a device would wait or never end.
  if (!stat.isFile()) throw bad(`${file} is no regular file`, 'put a plain file there, or none');
  if (stat.size > configLimitBytes) throw tooLarge(file, stat.size);
  const bytes = readFileSync(file);
  if (bytes.byteLength > configLimitBytes) throw tooLarge(file, bytes.byteLength);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw bad(`${file} is not UTF-8 text`, 'save it as UTF-8', cause);
  }
}

function tooLarge(file: string, sizeBytes: number): EngineError {
  const kib = Math.ceil(sizeBytes / 1024);
  return bad(`${file} has ${kib} KiB; at most ${configLimitBytes / 1024} KiB are read`, 'is it the right file?');
}

function bad(message: string, hint: string, cause?: unknown): EngineError {
  return new EngineError('bad_config', message, hint, { cause });
}
