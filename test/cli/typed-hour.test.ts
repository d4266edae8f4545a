/** What people mistype in a first hour on a terminal of 80 x 24: each is answered with what is true and with the next step, and no line is broken inside of a word. Twenty processes take their time. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folded } from '../../cli/output.ts';
import { terminal } from '../support/cli.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const login = '# Login\n\n### Task 1: The form\n**Check:** test -e form.txt\n```sh\ntrue\n```\n';
const config = `blueprint_skip_threshold = 0
[agents.default]
preset = "sh"
attempts = 1
[agents.reviewer]
preset = "command"
program = "echo the form is not tested, and neither is the page that it stands on; exit 1"
`;

interface Typed {
  readonly words: readonly string[];
  readonly code: number;
  readonly says: readonly (string | RegExp)[];
}

const slips: readonly Typed[] = [
  { words: ['board'], code: 64, says: ['did you mean stator monitor?'] },
  { words: ['login.md'], code: 64, says: ['did you mean stator run login.md?'] },
  // The whole of what was found, broken at words beside its name.
  { words: ['doctor'], code: 0, says: ['neither is the page that it stands on; exit 1, for reviewer', /^[^…]*$/] },
  { words: ['run', 'login.md', '--trust'], code: 1, says: ['stator plan advance login retry-wave'] },
  {
    words: ['plan', 'advance', 'login', 'retry'],
    code: 64,
    says: ['did you mean stator plan advance login retry-wave?'],
  },
  { words: ['plan', 'advance', 'login', 'xyzzy'], code: 64, says: ['retry-wave (run failed tasks\nagain)'] },
  { words: ['plan', 'resume', 'login'], code: 1, says: ['stator plan advance login retry-wave,'] },
  { words: ['agent', 'logs', 'login-w1-t1'], code: 0, says: ['nothing was printed'] },
  { words: ['plan', 'list', '--json=statuss'], code: 64, says: ['did you mean status? there are'] },
  { words: ['plan', 'list', '--status', 'dnoe'], code: 64, says: ['did you mean done? there are'] },
  { words: ['plan', 'answer', 'login#1', ''], code: 64, says: ['stator plan answer login#1 "<your answer>"'] },
  { words: ['plan', 'register', 'next.md'], code: 0, says: ['start it with: stator plan advance next'] },
];

describe('a line that is too long for the terminal', () => {
  it.each([
    ['a word that stays whole', 10, ['a word', 'that stays', 'whole']],
    [
      'hint: start it: stator plan advance login; or wait',
      40,
      ['hint: start it:', 'stator plan advance login; or wait'],
    ],
    ['hint: start it: stator plan advance login', 20, ['hint: start it:', 'stator plan advance', 'login']],
    ['waits for  a person paused it', 22, ['waits for  a person', '           paused it']],
    ['  checks: the commands of plans', 20, ['  checks: the', '    commands of', '    plans']],
    ['see \x1b[2mthis and that\x1b[0m', 8, ['see \x1b[2mthis', 'and that\x1b[0m']],
    [`digest ${'f'.repeat(30)}`, 20, ['digest', 'f'.repeat(30)]],
    ['one line\nand another', 11, ['one line', 'and another']],
  ])('%j in %i columns', (text, width, rows) => {
    expect(folded(text, width).split('\n')).toEqual(rows);
    expect(folded(text, null)).toBe(text);
  });
});

it('each slip is answered with what is meant, and nothing is broken inside of a word', async () => {
  const made = terminal();
  made.write('.stator/config.toml', config);
  made.write('login.md', login);
  made.write('next.md', login);
  const type = async ({ words, code, says }: Typed, cwd: string) => {
    const pty = openPty(process.execPath, [main, ...words], { cwd, env: made.env });
    expect([words, await pty.ended], pty.text()).toEqual([words, code]);
    for (const text of says) expect(pty.text()).toMatch(typeof text === 'string' ? literally(text) : text);
    // The emulator puts together what the terminal itself broke.
    const broken = pty
      .text()
      .split('\n')
      .filter((line) => line.length > 80 && !words.includes('--json=statuss'));
    expect([words, broken]).toEqual([words, []]);
  };
  for (const slip of slips) await type(slip, made.repo);

  const outside = join(made.root, 'outside');
  mkdirSync(outside);
  await type({ words: ['plan', 'show', 'demo/login'], code: 0, says: ['The form'] }, outside);
  const renamed = join(made.root, 'renamed');
  renameSync(made.repo, renamed);
  await type({ words: ['plan', 'register', 'login.md', '--trust'], code: 0, says: ['stator repo move demo'] }, renamed);
  await type({ words: ['repo', 'remove', 'renamed'], code: 0, says: [] }, renamed);
  await type({ words: ['repo', 'move', 'demo', '.'], code: 0, says: ['demo goes on in'] }, renamed);
  await type({ words: ['plan', 'explain', 'login'], code: 0, says: [/plan +demo\/login/] }, renamed);
});

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s+'));
}
