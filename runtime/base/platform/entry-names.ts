/** Names of files as the system has them, in bytes: they need not be UTF-8, and one that is decoded leads nowhere. */
import type { Dirent } from 'node:fs';

const slash = Buffer.from('/');

/** For `readdir` and its like. */
export const entriesInBytes = { withFileTypes: true, encoding: 'buffer' } as const;

/** For `opendir`, whose types know no names in bytes: `nameInBytes` reads one. */
export const inBytes = { encoding: 'buffer' as BufferEncoding };

/** The name of an entry that was read with `inBytes`. */
export function nameInBytes({ name }: Dirent): Buffer {
  return name as unknown as Buffer;
}

/** The path of an entry of a folder. */
export function inside(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, slash, name]);
}

/** Whether a name means the same file after it was decoded. */
export function isText(name: Buffer): boolean {
  return Buffer.from(name.toString()).equals(name);
}
