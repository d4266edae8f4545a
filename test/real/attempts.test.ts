/** Runs of the real programs that follow each other, and ones that are ended. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../support/daemon.ts';
import { begin, ground, planText, say, untilFile, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import type { Asked, Reply } from './model/reply.ts';
import { startReal, tried } from './stage.ts';

/** What the model said before the person's newest message: what the program keeps of earlier runs. */
function saidBefore({ said }: Asked): string {
  const newest = said.findLastIndex(({ by }) => by === 'user');
  return said
    .slice(0, newest)
    .filter(({ by }) => by === 'model')
    .map(({ text }) => text)
    .join('\n');
}

describe.each(tried)('$program $version', (each) => {
  it.skipIf(each.folder === null)('the next attempt goes on in the same conversation', async () => {
    const checked = planText([{ title: 'the work', sh: null, fields: '**Check:** test -f made.txt\n' }]);
    const script = (asked: Asked): Reply => {
      const isAgain = saidBefore(asked).includes('I made the wrong one.');
      const file = isAgain ? 'made.txt' : 'other.txt';
      if (asked.results.length === 0) return { kind: 'run', command: `echo hello > ${file}` };
      return { kind: 'say', text: isAgain ? 'I made the right one.' : 'I made the wrong one.' };
    };
    const engine = await startReal(each, { script, keys: 'attempts = 2\n' });
    await begin(engine, 'again', checked);
    await untilStatus(engine, 'again', 'done');
    expect(git(engine.repo, 'show', 'plan/again:made.txt')).toBe('hello');
  });

  it.skipIf(each.folder === null)('a cancel ends it with all that it started', async () => {
    const on = ground();
    const child = join(on.root, 'child');
    const engine = await startReal(each, {
      on,
      script: ({ results }) =>
        results.length === 0
          ? { kind: 'run', command: `tail -f /dev/null & echo $! > '${child}'; wait` }
          : { kind: 'say', text: 'It is done.' },
    });
    await begin(engine, 'end', planText([{ title: 'the work', sh: null }]));
    await untilFile(child);
    const pid = Number(readFileSync(child, 'utf8'));
    expect(isAlive(pid)).toBe(true);
    await say(engine, 'end', 'cancel');
    await untilStatus(engine, 'end', 'cancelled');
    await until(() => !isAlive(pid));
  });
});
