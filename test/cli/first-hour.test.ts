/** What somebody types in the first hour, with the slips that people make, on a terminal of 80 x 24. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

interface Typed {
  readonly words: readonly string[];
  readonly code: number;
  /** In what is printed. */
  readonly says: string | RegExp;
}

/** Typed before anything is set up, in this order. */
const slips: readonly Typed[] = [
  { words: [], code: 0, says: 'run      run a plan to its end' },
  { words: ['version'], code: 0, says: /^\d+\.\d+\.\d+$/m },
  { words: ['runn'], code: 64, says: 'did you mean run?' },
  { words: ['run'], code: 64, says: '<plan> is missing' },
  { words: ['run', 'login'], code: 1, says: 'did you mean login.md?' },
  { words: ['run', 'login.md', '--nmae', 'x'], code: 64, says: 'did you mean --name?' },
  { words: ['daemon', 'stop'], code: 69, says: 'no daemon runs' },
  { words: ['daemon', 'start'], code: 0, says: 'daemon started' },
  { words: ['daemon', 'start'], code: 0, says: 'a daemon runs already' },
  { words: ['gc'], code: 0, says: 'nothing would go' },
  { words: ['doctor'], code: 0, says: 'base branch' },
  { words: ['plan', 'list'], code: 0, says: 'stator plan register <file>' },
  { words: ['plan', 'show'], code: 64, says: 'name it: stator plan list shows them' },
  { words: ['plan', 'show', 'logn'], code: 1, says: 'repo not registered: demo' },
  { words: ['agent', 'list'], code: 0, says: 'no agents' },
  { words: ['agent', 'logs'], code: 64, says: '<title> is missing' },
  { words: ['daemon', 'stop'], code: 0, says: 'daemon stopped' },
];

function open(made: Terminal, words: readonly string[]): Pty {
  return openPty(process.execPath, [main, ...words], { cwd: made.repo, env: made.env });
}

async function answered(made: Terminal, words: readonly string[], question: string, key: string): Promise<Pty> {
  const pty = open(made, words);
  await pty.until(question);
  pty.type(key);
  return pty;
}

it('each slip is said with what to type, and the plan is run, looked at, merged, and all of it removed', async () => {
  const made = terminal();
  made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n');
  made.write('login.md', planOf(['echo one > one.txt']));
  for (const { words, code, says } of slips) {
    const pty = open(made, words);
    expect([words, await pty.ended], pty.text()).toEqual([words, code]);
    if (typeof says === 'string') expect(pty.text()).toContain(says);
    else expect(pty.text()).toMatch(says);
  }

  const badName = await answered(made, ['run', 'login.md', '--name', 'Bad Name!'], 'let it act?', 'n');
  expect(await badName.ended).toBe(1);
  expect(badName.text()).toContain('is not a plan’s name as typed: the plan is called bad-name');
  expect(badName.text()).toContain('nothing was started');

  const run = await answered(made, ['run', 'login.md'], 'let it act?', 'y');
  expect(await run.ended, run.text()).toBe(0);
  expect(run.text()).toContain('login is done, not merged');
  const list = open(made, ['plan', 'list']);
  await list.ended;
  expect(list.text()).toMatch(/login +done, not merged +1\/1/);
  const merge = await answered(made, ['plan', 'merge', 'login'], 'do it?', 'y');
  expect(await merge.ended, merge.text()).toBe(0);
  expect(git(made.repo, 'show', 'main:one.txt')).toBe('one');

  const kept = await answered(made, ['uninstall'], 'remove stator?', 'n');
  expect(await kept.ended).toBe(1);
  expect(kept.text()).toContain('nothing was removed');
  const gone = await answered(made, ['uninstall'], 'remove stator?', 'y');
  expect(await gone.ended, gone.text()).toBe(0);
  expect(git(made.repo, 'for-each-ref', 'refs/stator')).toBe('');
});
