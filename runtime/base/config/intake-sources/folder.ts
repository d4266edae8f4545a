/** `source = "folder"`: documents that are put into a folder. */
import { isAbsolute, resolve } from 'node:path';
import { text } from '../schema-words.ts';
import { intakeSource } from './source.ts';

export const folderSource = intakeSource({
  source: 'folder',
  keys: {
    folder: text({ min: 1, max: 4096, is: 'an absolute path', where: isAbsolute }).transform((path) => resolve(path)),
  },
  words: { folder: [null, 'folder: the folder of the documents, outside of every registered repo; required'] },
  from: ({ folder }) => folder,
});
