/** `plan check --watch` checks a plan again each time that its editor saves it. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, terminal } from '../support/cli.ts';
import { until } from '../support/ground.ts';

it('a plan that is saved, replaced, taken away and made again is checked each time', async () => {
  const { repo, start } = terminal();
  const file = join(repo, 'login.md');
  writeFileSync(file, planOf(['true']));
  const { child, stdout, stderr, ended } = start(['plan', 'check', '--watch', 'login.md']);
  const output = () => `${stdout()}${stderr()}`;
  const said = (text: string) => until(() => output().includes(text), output);
  await said('login.md: 1 wave, 1 task, no problems');
  await said('waiting for login.md to be saved; Ctrl-C leaves');
  writeFileSync(file, planOf(['true', 'true']));
  await said('login.md: 1 wave, 2 tasks, no problems');
  writeFileSync(`${file}~`, planOf(['true'], ['true'], ['true']));
  renameSync(`${file}~`, file);
  await said('login.md: 3 waves, 3 tasks, no problems');
  rmSync(file);
  await said('login.md is gone; it is checked when it is back');
  writeFileSync(file, '# nothing\n');
  await said('login.md:1: ');
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
});

it('a pipe, which nobody saves, is refused', async () => {
  const { stator } = terminal();
  const refused = await stator(['plan', 'check', '--watch', '/dev/null']);
  expect(refused.code).not.toBe(0);
});
