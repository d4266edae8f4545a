/** Both imports, killed at every step, alone and in a daemon: the same command again brings what one brings that nobody stops. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { IssueContext, IssueEntry, PlanEntry, PlanShow, SignalEntry } from '../../runtime/api/client/client.ts';
import { planOf, steady, type Terminal, terminal } from '../support/cli.ts';
import { seedOf } from '../support/crash.ts';
import { drawn, isWhole } from '../support/drawn.ts';
import { git, until } from '../support/ground.ts';
import { makeKasmosStore } from '../support/kasmos-store.ts';
import { randomOf } from '../support/random.ts';

const preload = pathToFileURL(join(import.meta.dirname, '../support/scripts/killed-at-step.mjs')).href;
const killed = (kill: object) => ({ NODE_OPTIONS: `--import=${preload}`, STATOR_TEST_KILL: JSON.stringify(kill) });

interface World extends Terminal {
  /** The words of the import. */
  readonly words: readonly string[];
}

const on = 'git.example.test/acme/shop';
const agents =
  '[agents.default]\npreset = "command"\nprogram = "true"\n[agents.reviewer]\nenabled = false\n[agents.planner]\nenabled = false\n';

/** Sessions with and without their branch, one of them completed, tasks for one of them and for an issue without any, servers and settings. */
async function kugetsu(): Promise<World> {
  const made = terminal();
  made.write('.stator/config.toml', agents);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  git(made.repo, 'remote', 'add', 'origin', `https://${on}.git`);
  git(made.repo, 'branch', 'fix/issue-12');
  git(made.repo, 'branch', 'fix/issue-13');
  expect(await made.stator(['repo', 'add', '.', '--trust'])).toMatchObject({ code: 0 });
  expect(await made.stator(['queue', 'pause'])).toMatchObject({ code: 0 });
  const folder = join(made.root, '.kugetsu');
  const put = (name: string, value: unknown) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  };
  const session = (number: number, more: object = {}) =>
    put(`sessions/${number}.json`, {
      type: 'forked',
      issue_ref: `${on}#${number}`,
      created_at: '2026-04-05T10:00:00Z',
      state: 'idle',
      ...more,
    });
  const item = (number: number, message: string) =>
    put(`queue/items/q_${number}.json`, {
      id: `q_${number}`,
      issue_ref: `${on}#${number}`,
      message,
      state: 'pending',
      pending_since: '2026-04-06T10:00:00Z',
    });
  const said = (role: string, content: string, time: string) => ({ role, content, time: `2026-04-05T${time}:00Z` });
  session(12, { pr_url: 'https://github.com/acme/shop/pull/3' });
  session(13, { state: 'completed' });
  put('context/12.json', {
    issue_ref: `${on}#12`,
    conversation_history: [said('user', 'fix the basket', '10:00'), said('assistant', 'it is fixed', '10:30')],
  });
  put('notifications.json', [
    { type: 'task_blocked', issue_ref: `${on}#12`, message: 'it asks', read: false, timestamp: '2026-04-05T10:40:00Z' },
  ]);
  item(12, 'fix the basket');
  item(13, 'and the footer');
  item(14, 'write the manual');
  put(
    'config',
    'MAX_CONCURRENT_AGENTS=5\nGIT_SERVERS[git.example.test]="git.example.test"\nDEFAULT_GIT_SERVER=git.example.test\n',
  );
  return { ...made, words: ['import', 'kugetsu', folder, '--yes', '--json'] };
}

const document = planOf(['true', 'true', 'true'], ['true']);

/** A store with plans that take no word, one and two, settings of the daemon and of a repo that is not registered yet. */
async function kasmos(): Promise<World> {
  const made = terminal();
  const folder = join(made.root, 'kasmos');
  const content = document;
  makeKasmosStore(join(folder, 'taskstore.db'), [
    { filename: 'draft', content: '# An idea', description: 'an idea' },
    { filename: 'planned', content, execution_phase: 'planned', topic: 'auth' },
    { filename: 'done', status: 'done', content },
    { filename: 'reviewing', status: 'reviewing', content, blocked_reason: 'which key?', blocked_source: 'agent' },
    { filename: 'cancelled', status: 'cancelled', content, branch: 'work/cancelled' },
  ]).close();
  git(made.repo, 'branch', 'work/cancelled');
  writeFileSync(join(folder, 'daemon.toml'), `repos = [${JSON.stringify(made.repo)}]\nauto_review_fix = false\n`);
  made.write('.kasmos/config.toml', 'default_program = "codex"\n');
  return { ...made, words: ['import', 'kasmos', folder, '--yes', '--json', '--trust'] };
}

const worlds = { kugetsu, kasmos };

async function asked<Answer>({ stator }: World, ...words: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await stator([...words, '--json']);
  expect([words, code, stderr]).toEqual([words, 0, '']);
  return JSON.parse(stdout);
}

const signalsOf = (world: World) => asked<SignalEntry[]>(world, 'signal', 'list', '--all', '--project', 'demo');

const isDue = ({ status, deliver_at: at }: SignalEntry) =>
  status === 'pending' && (at === null || Date.parse(at) <= Date.now());

/** What an import leaves, without times of its own. */
async function statusOf(world: World) {
  const { root, repo, home } = world;
  const ask = <Answer>(...words: string[]) => asked<Answer>(world, ...words);
  const text = (file: string) => (statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8') : null);
  const names = (folder: string) => (statSync(folder, { throwIfNoEntry: false }) ? readdirSync(folder).sort() : []);
  const sessions = await ask<IssueEntry[]>('issue', 'list');
  const plans = await ask<PlanEntry[]>('plan', 'list', '--project', 'demo');
  const signals = await signalsOf(world);
  return {
    plans: await Promise.all(
      plans.map(async ({ plan, status, phase, blocked, branch, topic }) => ({
        ...{ plan, status, phase, blocked: [blocked?.source, blocked?.reason], branch, topic },
        content: steady((await ask<PlanShow>('plan', 'show', plan, '--project', 'demo')).content, world),
        signals: signals
          .filter((one) => one.plan === plan)
          .map((one) => `${one.type} ${one.status}`)
          .sort(),
      })),
    ),
    sessions: await Promise.all(
      sessions.map(async ({ reference, status, phase, pull_request: request, branch, created_at: at, plan }) => ({
        ...{ reference, status, phase, request, branch, at: at.startsWith('2026-04') ? at : 'now' },
        said: (await ask<IssueContext>('issue', 'context', plan)).messages.map(({ by, content }) => [by, content]),
      })),
    ),
    notices: (await ask<{ type: string; message: string }[]>('notify', 'list')).map((one) => [one.type, one.message]),
    queue: (await ask<{ plan: string; state: string }[]>('queue', 'list')).map((one) => [one.plan, one.state]),
    servers: await ask('server', 'list'),
    repos: (await ask<{ project: string; state: string }[]>('repo', 'list')).map((one) => [one.project, one.state]),
    files: [text(join(home, 'daemon.toml')), text(join(repo, '.stator/config.toml'))],
    refs: git(repo, 'for-each-ref', '--format=%(refname)').split('\n'),
    names: [
      names(root).filter((name) => name.startsWith('stator-')),
      // A draft of a file that a kill left beside it does no harm there.
      names(home).filter((name) => name.endsWith('.toml')),
      names(join(repo, '.stator')).filter((name) => name.includes('.toml')),
    ],
  };
}

describe.each(['kugetsu', 'kasmos'] as const)('import %s', (from) => {
  it('brings once what it brings, wherever it is killed', async () => {
    const whole = await worlds[from]();
    const count = join(whole.root, 'steps');
    expect(await whole.start(whole.words, { env: killed({ count }) }).ended).toMatchObject({ code: 0 });
    const wanted = await statusOf(whole);
    for (const nth of drawnSteps(count)) {
      const world = await worlds[from]();
      expect((await world.start(world.words, { env: killed({ nth }) }).ended).code).toBe(null);
      await bringsTheRest(world, wanted, `killed at step ${nth}`);
    }
  }, 600_000);

  it('brings once what it brings, wherever its daemon is killed', async () => {
    const whole = await worlds[from]();
    const count = join(whole.root, 'steps');
    const { kill, imported } = await broughtInDaemon(whole, { count });
    expect(imported.code).toBe(0);
    await until(async () => !(await signalsOf(whole)).some(isDue));
    await kill();
    const wanted = await statusOf(whole);
    for (const nth of drawnSteps(count)) {
      const world = await worlds[from]();
      await (await broughtInDaemon(world, { nth })).kill();
      await bringsTheRest(world, wanted, `its daemon killed at step ${nth}`);
    }
  }, 600_000);
});

function drawnSteps(count: string): number[] {
  const steps = statSync(count).size;
  expect(steps).toBeGreaterThan(10);
  const all = Array.from({ length: steps }, (_, index) => index + 1);
  return drawn(all, isWhole ? 8 : 1, randomOf(seedOf('import')));
}

/** An import that asks a daemon, whose steps count from then on. */
async function broughtInDaemon(world: World, steps: { nth?: number; count?: string }) {
  const since = join(world.root, 'since');
  const daemon = world.start(['daemon', 'start', '--foreground'], { env: killed({ ...steps, since }) });
  await until(async () => (await world.stator(['daemon', 'status'])).code === 0);
  writeFileSync(since, '');
  const imported = await world.stator(world.words);
  const kill = async () => {
    daemon.child.kill('SIGKILL');
    await daemon.ended;
  };
  return { kill, imported };
}

async function bringsTheRest(world: World, wanted: unknown, at: string): Promise<void> {
  // A process of its own: it removes what the killed one left in its folder for temporary files.
  const again = await world.start(world.words).ended;
  expect.soft(again.code, `${at}: ${again.stdout}`).toBe(0);
  expect.soft(await statusOf(world), at).toEqual(wanted);
  const third = await world.stator(world.words);
  expect.soft(third.stdout, at).not.toContain('"state":"brought"');
}
