/** A plan begins from the fetched state of its base, and says how that differs from its remote. */
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { begin, ground, planText, register, startEngine, untilPlan, untilStatus } from '../support/engine.ts';
import { type Ground, git } from '../support/ground.ts';

const dayMs = 86_400_000;

/** A repository that was cloned, and whose remote has got more since. */
function behind<On extends Pick<Ground, 'root' | 'repo'>>({ isFetched, on }: { isFetched: boolean; on: On }) {
  const bare = join(on.root, 'bare.git');
  git(on.root, 'clone', '-q', '--bare', on.repo, bare);
  git(on.repo, 'remote', 'add', 'origin', bare);
  git(on.repo, 'fetch', '-q', 'origin');
  grow(bare, 'theirs');
  if (isFetched) {
    git(on.repo, 'fetch', '-q', 'origin');
    const at = new Date(Date.now() - 2 * dayMs - 60_000);
    utimesSync(join(on.repo, '.git', 'FETCH_HEAD'), at, at);
  }
  return { on, bare };
}

/** The clone is a partial one: git brings no contents of files that a person fetches. */
function partial({ on, bare }: ReturnType<typeof behind>): void {
  git(bare, 'config', 'uploadpack.allowFilter', 'true');
  git(on.repo, 'config', 'remote.origin.promisor', 'true');
  git(on.repo, 'config', 'remote.origin.partialCloneFilter', 'blob:none');
  git(bare, 'read-tree', 'main');
  git(bare, 'update-index', '--add', '--cacheinfo', `100644,${git(bare, 'hash-object', '-w', 'HEAD')},theirs.txt`);
  grow(bare, 'a file', git(bare, 'write-tree'));
}

function grow(path: string, words: string, tree = 'main^{tree}'): void {
  const as = ['-c', 'user.name=eve', '-c', 'user.email=eve@example.com'];
  const made = git(path, ...as, 'commit-tree', tree, '-p', 'main', '-m', words);
  git(path, 'update-ref', 'refs/heads/main', made);
}

it('begins from the branch of the remote where ours has nothing that it has not', async () => {
  const { on } = behind({ isFetched: true, on: ground() });
  const engine = await startEngine({ on });
  await register(engine, 'login', planText(['echo a > a.txt']));
  const words = 'main, 1 behind origin/main (fetched 2d ago); the plan begins from origin/main';
  expect(await engine.client.plan('demo', 'login')).toMatchObject({
    base: null,
    base_remote: { behind: 1, text: words },
  });
  expect((await engine.client.explain('demo', 'login')).base_remote?.text).toBe(words);
  await begin(engine, 'more', planText(['echo a > a.txt']));
  const { base, base_remote } = await untilStatus(engine, 'more', 'done');
  expect(base).toMatchObject({ branch: 'main', commit: git(on.repo, 'rev-parse', 'origin/main') });
  expect(base_remote).toMatchObject({ behind: 0, text: 'main' });
});

it('begins from ours where that has something of its own, and says how far it is behind', async () => {
  const { on } = behind({ isFetched: true, on: ground() });
  grow(on.repo, 'ours');
  const engine = await startEngine({ on });
  await begin(engine, 'login', planText(['echo a > a.txt']));
  const { base, base_remote } = await untilStatus(engine, 'login', 'done');
  expect(base).toMatchObject({ branch: 'main', commit: git(on.repo, 'rev-parse', 'main') });
  expect(base_remote?.text).toBe('main, 1 behind and 1 ahead of origin/main (fetched 2d ago)');
  // Once it is merged, the remote's branch gets the plan's own commits, and it is behind nothing.
  await engine.client.send({ project: 'demo', plan: 'login', type: 'merge', payload: {} });
  expect(await untilPlan(engine, 'login', ({ landing }) => landing === 'merged')).toMatchObject({ base_remote: null });
});

it('is fetched first with base_fetch alone; where that fails it begins from what is here, and says so', async () => {
  for (const [isWanted, isThere] of [
    [false, true],
    [true, true],
    [true, false],
  ] as const) {
    const { on, bare } = behind({ isFetched: false, on: ground() });
    partial({ on, bare });
    const [ours, theirs] = [git(on.repo, 'rev-parse', 'main'), git(bare, 'rev-parse', 'main')];
    if (!isThere) rmSync(bare, { recursive: true });
    const engine = await startEngine({ on, daemon: `base_fetch = ${isWanted}\n` });
    await begin(engine, 'login', planText(['echo a > a.txt']));
    const { base, base_remote } = await untilStatus(engine, 'login', 'done');
    expect(base?.commit).toBe(isWanted && isThere ? theirs : ours);
    if (isThere) expect(base_remote?.fetch_failed).toBeNull();
    else expect(base_remote?.text).toMatch(/^main; origin\/main was not fetched: .*bare\.git/);
  }
});

it('run reports both: how far its base is behind the remote, and a fetch that failed', async () => {
  const { on, bare } = behind({ isFetched: true, on: working() });
  grow(on.repo, 'ours');
  on.write('p.md', planOf(['true']));
  const first = await on.stator(['run', 'p.md', '--trust']);
  expect(`${first.stdout}${first.stderr}`).toContain(
    'base main, 1 behind and 1 ahead of origin/main (fetched 2d ago)\n',
  );
  expect(first.code).toBe(0);
  rmSync(bare, { recursive: true });
  on.write('q.md', planOf(['true']));
  on.write('.stator/config.toml', 'base_fetch = true\n\n[agents.default]\npreset = "sh"\nattempts = 1\n');
  const second = await on.stator(['run', 'q.md', '--trust']);
  expect(`${second.stdout}${second.stderr}`).toContain('origin/main was not fetched: ');
  expect(second.code).toBe(0);
});
