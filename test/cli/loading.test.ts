/** What a verb loads before it answers: that is most of its time. */
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { until } from '../support/ground.ts';
import { filesLoadedBy } from '../support/loaded.ts';

it('a verb beside an engine loads a handful of files, and none of an engine', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  const daemon = made.start(['daemon', 'start', '--foreground']);
  await until(() => daemon.stderr().includes('owns'));
  for (const verb of [['plan', 'list'], ['status'], ['queue', 'list'], ['signal', 'emit', 'pause', 'p']]) {
    const files = await filesLoadedBy(made, ...verb, '--json');
    expect(files.length, `${verb.join(' ')}\n${files.join('\n')}`).toBeLessThan(5);
    expect(files.filter((file) => file.includes('/node_modules/'))).toEqual([]);
  }
  daemon.child.kill('SIGTERM');
  await daemon.ended;
});
