import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../runtime/engine/engine.ts';
import { ground, planText, startEngine } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

describe('an engine refuses', () => {
  it('a home with a file in its place, and a daemon.toml with a typo, and leaves both as they were', async () => {
    const { home, root, env } = ground();
    writeFileSync(home, 'a file\n');
    await expectFailure(createEngine({ home, env }), 'home_unusable', `mv ${home} ${home}.old`);
    expect(readFileSync(home, 'utf8')).toBe('a file\n');
    const other = join(root, 'other-home');
    mkdirSync(other, { mode: 0o700 });
    writeFileSync(join(other, 'daemon.toml'), '# mine\n\nmax_agent = 3\n');
    const place = `${join(other, 'daemon.toml')}, line 3`;
    await expectFailure(createEngine({ home: other, env }), 'bad_config', place, 'max_agent;', 'max_agents?');
    // No part of it is left running: the corrected file is taken at once.
    writeFileSync(join(other, 'daemon.toml'), 'max_agents = 3\n');
    const engine = await createEngine({ home: other, env, log: { debug() {}, info() {}, warn() {}, error() {} } });
    await expect(createEngine({ home: other, env })).rejects.toMatchObject({ code: 'owner_taken' });
    await engine.stop();
    await engine.stop();
  });

  it('a repo whose configuration starts programs until a person says yes, and again when that changes', async () => {
    const started = await startEngine({ adds: false, agents: {} });
    const { repo, client } = started;
    mkdirSync(join(repo, '.stator'));
    const file = join(repo, '.stator', 'config.toml');
    writeFileSync(file, '[agents.default]\npreset = "sh"\n');
    await expectFailure(client.addRepo(repo, { trust: false }), 'untrusted', 'demo', 'agents: sh', '--trust=');
    expect(await client.repos()).toEqual([]);
    expect(await client.addRepo(repo, { trust: true })).toMatchObject({
      status: 'added',
      path: repo,
      project: 'demo',
      enables: ['agents: sh'],
    });
    writeFileSync(file, '[agents.default]\npreset = "command"\nprogram = "./evil.sh"\n');
    expect(await client.addRepo(repo, { trust: false })).toMatchObject({
      enables: ['agents: sh'],
      untrusted: ['agents: command ./evil.sh'],
    });
    expect(await client.addRepo(repo, { trust: true })).toMatchObject({
      enables: ['agents: command ./evil.sh'],
      untrusted: [],
    });
    writeFileSync(file, '[agents.default]\npresett = "sh"\n');
    const key = 'agents.default.presett';
    await expectFailure(client.addRepo(repo, { trust: true }), 'bad_config', `${file}, line 2`, key);
    // It is there, with what was trusted before; soon it is degraded, since nobody can read its file.
    expect((await client.repos()).map(({ project }) => project)).toEqual(['demo']);
  });

  it('paths that are no repository it can use, each with its reason', async () => {
    const started = await startEngine();
    const { root, repo, client } = started;
    const folder = (name: string) => {
      mkdirSync(join(root, name), { recursive: true });
      return join(root, name);
    };
    const twin = folder('elsewhere/demo');
    execFileSync('git', ['clone', '-q', repo, twin]);
    // Word for word what the programs of kasmos look for.
    await expect(client.addRepo(twin, { trust: true })).rejects.toMatchObject({
      code: 'conflict',
      message: `repo with basename "demo" already registered (path: ${repo}); rename one of the directories or use distinct names`,
    });
    const empty = folder('empty');
    git(empty, 'init', '-q');
    const bare = folder('bare.git');
    git(bare, 'init', '-q', '--bare');
    const wrong = ['relative/path', folder('plain'), join(root, 'nowhere'), join(repo, 'README.md'), empty, bare];
    for (const path of wrong) await expectFailure(client.addRepo(path, { trust: true }), 'bad_repo', path);
    const worktree = join(root, 'linked');
    git(repo, 'worktree', 'add', '-q', '--detach', worktree);
    expect(await client.addRepo(worktree, { trust: true })).toMatchObject({ project: 'demo', path: repo });
  });

  it('documents and names that cannot be a plan, and a plan that is there already', async () => {
    const { client } = await startEngine();
    const add = (plan: string, content: string) => client.registerPlan({ project: 'demo', plan, content });
    await add('fine', planText(['true']));
    await expectFailure(add('fine', planText(['true'])), 'conflict', 'demo/fine');
    for (const name of ['Upper', 'a..b', 'a.lock', '-x', 'x/y'])
      await expectFailure(add(name, planText(['true'])), 'bad_request', `"${name}"`);
    await expect(client.registerPlan({ project: 'nope', plan: 'a', content: '' })).rejects.toMatchObject({
      code: 'repo_not_found',
    });
    expect((await add('draft', '# Only words\n')).phase).toBeNull();
    const refused = await client.send({ project: 'demo', plan: 'draft', type: 'implement_start' });
    expect(refused.signal.refused).toMatchObject({
      by: 'plan',
      state: 'ready.draft',
      guard: 'not planned yet: run plan_start first',
    });
    // Two that register one name at once: one of them is refused.
    const both = await Promise.allSettled([add('race', planText(['echo 1'])), add('race', planText(['echo 2']))]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const taken = client.registerPlan({ project: 'demo', plan: 'second', content: '', branch: 'plan/fine' });
    await expectFailure(taken, 'conflict', 'plan/fine', 'demo/fine');
    const dots = client.registerPlan({ project: 'demo', plan: 'dots', content: planText(['true']), branch: 'a..b' });
    await expectFailure(dots, 'bad_request', '"a..b"');
    await expect(add('large', `# x\n${'a'.repeat(1024 * 1024)}`)).rejects.toMatchObject({ code: 'bad_plan' });
  });
});
