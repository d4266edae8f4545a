/** A sparse file of any size is made in a moment and uses no disk, but git would read all of it. */
import { mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { settingsIn, untrustedSettings } from '../../runtime/work/agents/presets/project-settings.ts';
import { terminal } from '../support/cli.ts';
import { begin, planText, startEngine, untilPhase } from '../support/engine.ts';

it.each([
  ['a new file', 'big'],
  ['a file that git tracks', 'a.txt'],
])('%s of a terabyte is named, and nothing waits for git to read it', async (_what, file) => {
  const engine = await startEngine();
  await begin(engine, 'huge', planText([`echo x > x; truncate -s 1T ${file}`]));
  const shown = await untilPhase(engine, 'huge', 'wave_waiting');
  const why = shown.tasks_by_wave.flatMap(({ tasks }) => tasks)[0]?.why;
  expect(why).toContain(join(engine.repo, '.worktrees', 'plan-huge-w1-t1', file));
  await begin(engine, 'next', planText(['echo y > y']));
});

/** Files of 15 MiB that use no disk; git keeps all of them as one small object. */
function largeFiles(folder: string, count: number): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: count }, (_, number) => {
    const file = join(folder, `${number}.md`);
    writeFileSync(file, '');
    truncateSync(file, 15 * 1024 ** 2);
    return file;
  });
}

it('settings of a gigabyte are not read as a whole, and none that was not read is trusted', () => {
  const { repo } = terminal();
  largeFiles(join(repo, '.claude', 'commands'), 70);
  const found = settingsIn(repo, ['claude']);
  expect(Object.keys(found)).toHaveLength(70);
  expect(untrustedSettings(found, found)).toHaveLength(70 - 17);
  largeFiles(join(repo, '.claude', 'commands', 'more'), 0);
  for (let number = 0; number < 2_100; number += 1)
    writeFileSync(join(repo, '.claude', 'commands', 'more', `${number}.md`), '');
  expect(untrustedSettings(settingsIn(repo, ['claude']), found)).toContain('.claude/commands/more');
});

it('a large settings file is known by its content, and not by its size and age', () => {
  const [one, other] = [terminal().repo, terminal().repo];
  for (const repo of [one, other]) {
    const [file = ''] = largeFiles(join(repo, '.claude'), 1);
    truncateSync(file, 17 * 1024 ** 2);
    utimesSync(file, 1, repo === one ? 1 : 2);
  }
  expect(untrustedSettings(settingsIn(other, ['claude']), settingsIn(one, ['claude']))).toEqual([]);
  const trusted = settingsIn(one, ['claude']);
  const file = join(one, '.claude', '0.md');
  writeFileSync(file, 'another', { flag: 'r+' });
  utimesSync(file, 1, 1);
  expect(untrustedSettings(settingsIn(one, ['claude']), trusted)).toEqual(['.claude/0.md']);
});

it('commands that name files of a gigabyte are refused before they are read', async () => {
  const made = terminal();
  largeFiles(join(made.repo, 'tools'), 20);
  const words = Array.from({ length: 20 }, (_, number) => `tools/${number}.md`).join(' ');
  made.write('.stator/config.toml', `[worktree]\nsetup = "cat ${words}"\n`);
  const added = await made.stator(['repo', 'add', '.', '--trust']);
  expect([added.code, added.stderr.includes('256 MiB')]).toEqual([78, true]);
});
