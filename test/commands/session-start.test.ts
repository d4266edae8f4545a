/** A session that cannot start leaves nothing: no plan, no session, no branch, no mark, no worktree, and what lay in its way stays as it was. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  script,
  startEngine,
  type TestEngine,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';

const reference = 'git.example.invalid/acme/shop#7';
const folder = 'git.example.invalid-acme-shop-7';

async function scene({ program = 'true', config = '', daemon = waves } = {}): Promise<TestEngine> {
  const on = ground();
  git(on.repo, 'remote', 'add', 'origin', 'https://git.example.invalid/acme/shop.git');
  if (config !== '') {
    mkdirSync(join(on.repo, '.stator'));
    writeFileSync(join(on.repo, '.stator', 'config.toml'), config);
  }
  const session = {
    preset: 'command' as const,
    program: program === 'true' ? script(join(on.root, 'agent'), 'true') : program,
  };
  const agents = { default: { preset: 'sh', attempts: 1 }, session: { ...session, attempts: 1 } } as const;
  return startEngine({ on, daemon, agents });
}

function start({ client }: TestEngine): Promise<string> {
  return client.startIssue({ reference, message: 'mend it' }).then(
    ({ status }) => status,
    ({ code }: { code: string }) => code,
  );
}

/** What there is, but for what the test itself put there. */
async function left({ client, repo, home }: TestEngine, own: readonly string[] = []) {
  const refs = git(repo, 'for-each-ref', '--format=%(refname)').split('\n');
  return {
    plans: (await client.plans()).map(({ plan }) => plan).filter((plan) => !own.includes(plan)),
    sessions: await client.issues(),
    refs: refs.filter((ref) => ref !== 'refs/heads/main' && !own.some((name) => ref.includes(name))),
    worktrees: git(repo, 'worktree', 'list')
      .split('\n')
      .slice(1)
      .filter((line) => !own.some((name) => line.includes(name))),
    sockets: readdirSync(join(home, 'sockets')).length - own.filter((name) => name === 'busy').length,
  };
}

const nothing = { plans: [], sessions: [], refs: [], worktrees: [], sockets: 0 };

describe('a session that cannot start leaves nothing', () => {
  it('where no slot is free', async () => {
    const on = await scene({ daemon: `${waves}max_agents = 1\n` });
    const go = join(on.root, 'go');
    await begin(on, 'busy', planText([gate(go)]));
    await until(async () => (await on.client.instances({}))[0]?.state === 'running');
    expect(await start(on)).toBe('limit_reached');
    expect(await left(on, ['busy'])).toEqual(nothing);
    openGate(go);
  });

  it('where its branch is there already, and not stator’s', async () => {
    const on = await scene();
    mkdirSync(join(on.home, 'sockets'), { recursive: true });
    git(on.repo, 'branch', 'fix/issue-7');
    expect(await start(on)).toBe('branch_taken');
    expect(await left(on, ['heads/fix/issue-7'])).toEqual(nothing);
    expect(git(on.repo, 'branch', '--list', 'fix/*').trim()).toBe('fix/issue-7');
  });

  it('where a folder lies in the place of its worktree', async () => {
    const on = await scene();
    const place = join(on.repo, '.worktrees', folder);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'letter'), 'dear\n');
    expect(await start(on)).toBe('unavailable');
    expect(await left(on)).toEqual(nothing);
    expect(readFileSync(join(place, 'letter'), 'utf8')).toBe('dear\n');
  });

  it('where the folder of worktrees cannot be made', async () => {
    const on = await scene();
    writeFileSync(join(on.repo, '.worktrees'), 'a file\n');
    expect(await start(on)).toBe('unavailable');
    expect(await left(on)).toEqual(nothing);
    expect(readFileSync(join(on.repo, '.worktrees'), 'utf8')).toBe('a file\n');
  });

  it('where the setup of its worktree fails', async () => {
    const on = await scene({ config: '[worktree]\nsetup = "echo half >half; exit 3"\n' });
    expect(await start(on)).toBe('unavailable');
    expect(await left(on)).toEqual(nothing);
  });

  it('but that it failed, why, and one notification, where its setup fails with attempts left', async () => {
    const on = ground();
    git(on.repo, 'remote', 'add', 'origin', 'https://git.example.invalid/acme/shop.git');
    mkdirSync(join(on.repo, '.stator'));
    const setup = '[worktree]\nsetup = "echo first; echo no such registry; exit 3"\n';
    writeFileSync(join(on.repo, '.stator', 'config.toml'), setup);
    const program = script(join(on.root, 'agent'), 'true');
    const session = { preset: 'command', program, attempts: 3 } as const;
    const engine = await startEngine({ on, agents: { default: { preset: 'sh' }, session } });
    await expect(engine.client.startIssue({ reference, message: 'mend it' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no such registry'),
    });
    expect(await left(engine)).toEqual(nothing);
    expect(await engine.client.queue()).toMatchObject([{ state: 'error', error: 'start-failed' }]);
    const told = (await engine.client.notifications()).filter(({ type }) => /^task_(?:error|completed)$/.test(type));
    expect(told).toMatchObject([{ type: 'task_error', message: expect.stringContaining('no such registry') }]);
  });

  it('of git, where it waited in the queue and its setup fails at the last attempt: the session itself says why', async () => {
    const on = await scene({ config: '[worktree]\nsetup = "echo half >half; exit 3"\n' });
    await on.client.enqueueIssue({ reference, message: 'mend it' });
    await until(async () => (await on.client.queue())[0]?.state === 'error');
    await until(async () => (await left(on)).refs.length === 0);
    expect(await left(on)).toMatchObject({ refs: [], worktrees: [], sessions: [{ branch: 'fix/issue-7' }] });
  });

  it('where its agent’s program is not there', async () => {
    const on = await scene({ program: '/nowhere/agent' });
    mkdirSync(join(on.home, 'sockets'), { recursive: true });
    expect(await start(on)).toBe('agent_unusable');
    expect(await left(on)).toEqual(nothing);
  });

  it('except for what was imported: its creation time, its pull request and its messages', async () => {
    const on = await scene({ config: '[worktree]\nsetup = "ls ../../../go"\n' });
    const at = '2026-04-05T10:00:00.000Z';
    const request = 'https://github.com/acme/shop/pull/3';
    const messages = [{ by: 'agent', content: 'half of it is there', at }] as const;
    const about = { done: false, created_at: at, pull_request: request, messages: [...messages], notifications: [] };
    await on.client.importIssue({ reference, ...about });
    expect(await start(on)).toBe('unavailable');
    const kept = { reference, created_at: at, pull_request: request };
    expect(await on.client.issues()).toMatchObject([kept]);
    writeFileSync(join(on.root, 'go'), '');
    expect(await on.client.continueIssue({ reference })).toMatchObject({ status: 'started', session: kept });
    expect((await on.client.issueContext({ reference })).messages.map(({ content }) => content)).toEqual([
      'half of it is there',
      'mend it',
    ]);
  });
});
