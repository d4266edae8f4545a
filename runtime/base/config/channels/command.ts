/** A shell command. */
import { oneOf, placesInWalls, sandboxModes, text, wallWords } from '../schema-words.ts';
import { channel, envFile, envFileWords } from './channel.ts';

export const command = channel({
  type: 'command',
  is: 'a shell command',
  keys: {
    command: text({ min: 1, max: 8192, is: 'a shell command', where: (value) => value.trim() !== '' }),
    sandbox: oneOf(sandboxModes).optional(),
    writable: placesInWalls(),
    readable: placesInWalls(),
    env_file: envFile,
  },
  words: {
    command: [null, 'command: run by sh -c in the files of the commit that was trusted; required'],
    sandbox: ['"auto"', 'command: sandbox, as for agents; "off": it may do what you may'],
    writable: ['[]', 'command: what it may change inside of walls, beside $TMPDIR'],
    readable: ['[]', 'command: what it may read inside of walls, beside the system and its programs'],
    env_file: envFileWords,
  },
  settings: (table) => ({
    command: table.command,
    sandbox: table.sandbox ?? ('auto' as const),
    /** As configured: absolute, or from `~/` on. */
    writable: table.writable ?? [],
    readable: table.readable ?? [],
    /** As configured: relative to the repo unless absolute. */
    envFile: table.env_file ?? null,
  }),
  target: (own) => own.command,
  trusted: ({ envFile: file, ...own }) =>
    [own.command, ...(file === null ? [] : [`environment from ${file}`]), ...wallWords(own)].join(', '),
  opens: (own) => ({ ...own, places: [...own.writable, ...own.readable] }),
});
