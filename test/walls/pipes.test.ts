/** Named pipes in the place of files that git reads: nothing waits for them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withEnding } from '../../runtime/work/git/ending.ts';
import { tryOwnGit } from '../../runtime/work/git/git.ts';
import { createOpenGits } from '../../runtime/work/git/open-gits.ts';
import { begin, planText, startEngine, untilPlan } from '../support/engine.ts';
import { openRepository, run, temporaryHome, write } from '../support/git.ts';
import { until } from '../support/ground.ts';

const home = temporaryHome();

function pipe(place: string): string {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(dirname(place), { recursive: true });
  spawnSync('mkfifo', [place]);
  return place;
}

describe('a pipe in the place of a file that git reads', () => {
  test.each([
    '.gitattributes',
    '.gitignore',
    'deep/er/.gitattributes',
    '.git/info/exclude',
    '.git/info/attributes',
    '.git/packed-refs',
    '.git/refs/heads/other',
  ])('%s is named, and git does not wait for it', async (file) => {
    const { path } = await openRepository(join(home.path, 'demo'));
    write(path, 'deep/er/b.txt', 'text\n');
    const place = pipe(join(path, file));
    const asked = file.includes('refs') ? ['for-each-ref'] : ['add', '-A', '--', '.'];
    await expect(tryOwnGit(path, asked, { timeoutMs: 600_000 })).rejects.toMatchObject({
      code: 'unsafe_path',
      message: expect.stringContaining(place),
    });
  });

  test('one in a folder whose name is no UTF-8 is named as well', async () => {
    const { path } = await openRepository(join(home.path, 'demo'));
    const folder = 'odd="$1/$(printf "\\377")"; mkdir "$odd"; echo x > "$odd/x"; mkfifo "$odd/.gitattributes"';
    execFileSync('sh', ['-c', folder, 'sh', path]);
    await expect(tryOwnGit(path, ['add', '-A', '--', '.'], { timeoutMs: 600_000 })).rejects.toMatchObject({
      code: 'unsafe_path',
      message: expect.stringContaining('.gitattributes'),
    });
  });

  test.each(['diff.orderFile', 'core.excludesFile', 'core.attributesFile', 'mailmap.file'])(
    'that the repository names as %s, wherever it lies, is not read',
    async (setting) => {
      const { path } = await openRepository(join(home.path, 'demo'));
      run(path, 'config', setting, pipe(join(home.path, 'elsewhere')));
      write(path, 'a.txt', 'other\n');
      for (const asked of [
        ['diff', 'HEAD'],
        ['log', '-1', '--format=%aN'],
        ['add', '-A', '--', '.'],
      ])
        expect(await tryOwnGit(path, asked)).toMatchObject({ exitCode: 0 });
    },
  );

  test('a pipe of another name is none of git’s business', async () => {
    const { path } = await openRepository(join(home.path, 'demo'));
    pipe(join(path, 'queue'));
    expect(await tryOwnGit(path, ['add', '-A', '--', '.'])).toMatchObject({ exitCode: 0 });
  });

  test('an agent that makes one fails its plan, and the daemon can be stopped', async () => {
    const engine = await startEngine();
    await begin(engine, 'pipes', planText(['mkfifo .gitattributes; echo x > x', 'echo two > two']));
    const plan = await untilPlan(engine, 'pipes', ({ phase }) => phase === 'wave_waiting');
    expect(plan.phase).toBe('wave_waiting');
    expect(engine.log.join('\n')).toMatch(/waits for .*\.gitattributes/);
    await engine.engine.stop({ agents: 'stop' });
  });
});

test('a git whose effect ends is ended too, and so is what asks for names', async () => {
  const { path } = await openRepository(join(home.path, 'demo'));
  const ending = new AbortController();
  const place = join(home.path, 'begun');
  const waits = withEnding(ending.signal, () =>
    tryOwnGit(path, ['-c', `alias.wait=!touch ${place}; exec tail -f /dev/null`, 'wait'], { timeoutMs: 600_000 }),
  );
  await until(() => existsSync(place));
  ending.abort();
  await expect(waits).rejects.toMatchObject({ code: 'git_failed' });
});

test('a name that leads to a pipe is asked of git itself, which is not waited for', async () => {
  const { path } = await openRepository(join(home.path, 'demo'));
  pipe(join(path, '.git', 'refs', 'heads', 'other'));
  const gits = createOpenGits();
  await gits.lookUp(path, 'HEAD^{commit}');
  const ending = new AbortController();
  const asked = withEnding(ending.signal, () => gits.lookUp(path, 'refs/heads/other^{commit}'));
  ending.abort();
  expect(await asked).toBeUndefined();
  gits.close();
});
