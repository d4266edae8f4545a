import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { RouteKey } from '../../runtime/api/control/route.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { addServer } from '../../runtime/work/forges/servers.ts';
import { type Answered, ask, type Given } from '../support/api.ts';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  startEngine,
  type TestEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { startForge } from '../support/forge-server.ts';
import { git, until } from '../support/ground.ts';
import { defineRelease } from '../support/own-machine.ts';
import { expectAnswer, expectProse } from '../support/prose.ts';

/** The requests of each route, and the statuses of their answers. */
function clerk(started: TestEngine) {
  const seen = new Map<RouteKey, Set<number>>();
  const of = async (key: RouteKey, given: Given = {}): Promise<Answered> => {
    const answer = await ask(started.engine, key, given);
    seen.set(key, (seen.get(key) ?? new Set()).add(answer.status));
    return answer;
  };
  return { seen, of };
}

/**
 * Their successes take a program that asks, test/effects/permissions.test.ts, a daemon, test/engine/daemon-night.test.ts, a client of MCP, test/mcp, or several
 * hosts, test/engine/hosts.test.ts and hosts-move.test.ts.
 */
const takesMore = /\/(?:allow|deny|permission|permissions|permissions\/:id|stop|inspect|mcp|hosts\/:host|drain|move)$/;

/** The request, the status, a part of the answer, and the places that an error names. */
type Row = readonly [RouteKey, Given, number, unknown?, ...string[]];

function another(started: TestEngine, name: string, config?: string): string {
  const repo = join(started.root, name);
  mkdirSync(repo);
  git(repo, 'init', '-q', '-b', 'main');
  git(repo, 'config', 'user.name', 'Ada');
  git(repo, 'config', 'user.email', 'ada@example.com');
  if (config !== undefined) {
    mkdirSync(join(repo, '.stator'));
    writeFileSync(join(repo, '.stator', 'config.toml'), config);
  }
  writeFileSync(join(repo, 'README.md'), 'hello\n');
  git(repo, 'add', '.');
  git(repo, 'commit', '-qm', 'begin');
  return repo;
}

const demo = { project: 'demo' };
const nope = { project: 'nope' };
const plan = (name: string) => ({ ...demo, plan: name });
const titled = (title: string) => ({ ...demo, title });
const starts = '[agents.default]\nprogram = "make"\npreset = "command"\n';
const code = (word: string) => ({ code: word });

const release = { name: 'release' };
const oneRelease = { name: 'release', id: '1.2' };
const noSession = { headers: { 'mcp-session-id': 'nope', accept: 'application/json, text/event-stream' } };
const ofMcp: readonly Row[] = [
  ['POST /mcp', { ...noSession, body: {} }, 404, { error: { code: -32_001 } }],
  ['GET /mcp', noSession, 404, { error: { code: -32_001 } }],
  ['DELETE /mcp', noSession, 404, { error: { code: -32_001 } }],
  ['POST /mcp', { body: 'nonsense', headers: { accept: 'text/plain' } }, 406],
];

const ofOwnMachine: readonly Row[] = [
  ['POST /v1/machines/:name/trees', { params: release, body: { id: '1.2', input: { version: '1' } } }, 200],
  ['POST /v1/machines/:name/trees', { params: release, body: { id: '1/2' } }, 400, code('bad_request')],
  ['POST /v1/machines/:name/trees', { params: release, body: { id: '1', input: [] } }, 400, code('bad_payload')],
  ['POST /v1/machines/:name/trees', { params: { name: 'relase' }, body: { id: '1' } }, 404, code('machine_unknown')],
  ['GET /v1/machines/:name/trees', { params: release }, 200, [{ id: '1.2', value: 'asking', view: { version: '1' } }]],
  ['GET /v1/machines/:name/trees', { params: release, query: '?after=1.2' }, 200, []],
  ['GET /v1/machines/:name/trees/:id', { params: oneRelease }, 200, { context: { version: '1' } }],
  ['GET /v1/machines/:name/trees/:id', { params: { name: 'release', id: '9' } }, 404, code('not_found')],
  [
    'GET /v1/machines/:name/trees/:id/replay',
    { params: oneRelease },
    200,
    { context: { version: '1' }, status: 'active' },
  ],
  [
    'GET /v1/machines/:name/trees/:id/replay',
    { params: oneRelease, query: '?to=1&at=2001-01-01T00:00:00Z' },
    400,
    code('bad_request'),
  ],
  ['GET /v1/machines/:name/trees/:id/replay', { params: { name: 'nope', id: '9' } }, 404, code('machine_unknown')],
  ['GET /v1/machines/:name/trees/:id/history', { params: oneRelease }, 200, [{ event: 'begun' }]],
  ['GET /v1/machines/:name/trees/:id/verify', { params: oneRelease }, 200, { ok: true, checked: 1 }],
  ['GET /v1/machines/:name/trees/:id/explain', { params: oneRelease }, 200, { timers: [{ timer: 'expire' }] }],
  [
    'POST /v1/machines/:name/trees/:id/signals',
    { params: oneRelease, body: { type: 'aprove' } },
    400,
    code('unknown_signal'),
  ],
  ['POST /v1/machines/:name/trees/:id/signals', { params: oneRelease, body: { type: 'approve', wait_ms: 0 } }, 202],
  [
    'POST /v1/machines/:name/trees/:id/signals',
    { params: { name: 'release', id: '1.3' }, body: { type: 'approve' } },
    404,
    code('not_found'),
  ],
  ['POST /v1/machines/:name/trees', { params: release, body: { id: '1.3', input: { version: '3' } } }, 200],
  [
    'POST /v1/machines/:name/trees/:id/signals',
    { params: { name: 'release', id: '1.3' }, body: { type: 'refuse', payload: { reason: 'no' } } },
    200,
    { tree: { value: 'refused', status: 'done' } },
  ],
  [
    'POST /v1/machines/:name/trees/:id/signals',
    { params: { name: 'release', id: '1.3' }, body: { type: 'approve' } },
    409,
    code('refused'),
  ],
  ['DELETE /v1/machines/:name/trees/:id', { params: { name: 'release', id: '9' } }, 404, code('not_found')],
  ['POST /v1/machines/:name/trees', { params: release, body: { id: '1.4', input: { version: '4' } } }, 200],
  ['DELETE /v1/machines/:name/trees/:id', { params: { name: 'release', id: '1.4' } }, 409, code('conflict')],
  [
    'DELETE /v1/machines/:name/trees/:id',
    { params: { name: 'release', id: '1.4' }, query: '?force=1' },
    200,
    { status: 'deleted', machine: 'release', id: '1.4' },
  ],
  ['POST /v1/machines/:name/pause', { params: { name: 'relase' } }, 404, code('machine_unknown')],
  ['POST /v1/machines/:name/pause', { params: release, body: { lane: 'publsih' } }, 400, code('bad_request')],
  [
    'POST /v1/machines/:name/pause',
    { params: release, body: { lane: 'publish' } },
    200,
    { status: 'paused', changed: true, pauses: [{ machine: 'release', lane: 'publish' }] },
  ],
  ['POST /v1/machines/:name/resume', { params: release }, 200, { changed: false, pauses: [{ lane: 'publish' }] }],
  [
    'POST /v1/machines/:name/resume',
    { params: release, body: { lane: 'publish' } },
    200,
    { changed: true, pauses: [] },
  ],
  ['GET /v1/machines/:name', { params: release }, 200],
  ['GET /v1/machines/:name', { params: release, query: '?format=svg&tree=1.3' }, 200],
  ['GET /v1/machines/:name', { params: release, query: '?format=layout' }, 200],
  ['GET /v1/machines/:name', { params: release, query: '?format=svg&tree=nope' }, 404, code('not_found')],
  ['GET /v1/machines/:name', { params: release, query: '?tree=1.3' }, 400, code('bad_request')],
];

/** What programs of kasmos look for, word for word. */
const ofKasmos = {
  noPath: { error: 'path is required' },
  noCap: { error: 'cap must be an integer' },
  notPlanned: { error: 'task is not yet planned: run plan_start first to create a planning session' },
} as const;

const errorText = z.object({ code: z.string(), error: z.string(), hint: z.string() });
const noteTexts = z.object({ notes: z.array(z.string()).min(1) });

/** What an answer has for people to read, if anything. */
function toldBy({ status, json }: Answered): string[] {
  const failed = errorText.safeParse(json);
  if (failed.success) return [`${status} ${failed.data.code}: ${failed.data.error}\nhint: ${failed.data.hint}`];
  const noted = noteTexts.safeParse(json);
  return noted.success ? [`${status}\n${noted.data.notes.map((note) => `note: ${note}`).join('\n')}`] : [];
}

it('every route answers as it says, done and refused', async () => {
  const on = ground();
  const folder = join(on.root, 'inbox');
  mkdirSync(folder);
  const intake = `[intake.inbox]\nsource = "folder"\nproject = "demo"\nfolder = "${folder}"\nenabled = false\n`;
  const started = await startEngine({ on, machines: [defineRelease()], daemon: `${waves}${intake}` });
  const { repo, client } = started;
  const go = join(started.root, 'go');
  const plain = another(started, 'plain');
  const risky = another(started, 'risky', starts);
  await begin(started, 'finished', planText(['echo a > a.txt']));
  await untilStatus(started, 'finished', 'done');
  await begin(started, 'busy', planText([`echo one; echo two; ${gate(go)}; echo b > b.txt`]));
  await register(started, 'draft', '');
  await register(started, 'planned', planText(['echo c > c.txt']));
  await until(async () => (await client.instances({ plan: 'busy' }))[0]?.state === 'running');
  const { seen, of } = clerk(started);
  const { id = 0 } = (await client.signals({ project: 'demo', plan: 'finished' })).at(-1) ?? {};
  const refusedWord = await client.send({ ...plan('finished'), type: 'plan_start' });
  const remote = join(started.root, 'remote.git');
  git(started.root, 'init', '-q', '--bare', remote);
  git(repo, 'remote', 'add', 'origin', remote);
  expect(refusedWord.signal.status).toBe('failed');

  const rows: readonly Row[] = [
    ['GET /v1/ping', {}, 200],
    [
      'GET /v1/status',
      {},
      200,
      { running: true, repo_count: 1, repos: [{ project: 'demo', path: repo, active_plans: 1 }] },
    ],
    ['GET /openapi.json', {}, 200, { openapi: '3.1.0' }],
    ['GET /metrics', {}, 200],
    ['POST /v1/stop', {}, 409, code('conflict')],
    ['POST /v1/stop', { body: { agents: 'some' } }, 400, code('bad_request')],
    ['POST /v1/inspect', {}, 200, { url: expect.stringContaining('http://127.0.0.1:') }],

    ['GET /v1/repos', {}, 200, [{ project: 'demo', path: repo }]],
    ['POST /v1/repos', { body: {} }, 400, ofKasmos.noPath],
    ['POST /v1/repos', { body: { path: repo, turst: true } }, 400, code('bad_request'), '"turst"', 'trust?'],
    ['POST /v1/repos', { body: { path: join(started.root, 'absent') } }, 400, code('bad_repo')],
    ['POST /v1/repos', { body: { path: repo } }, 409, { error: `repo already registered: ${repo}` }],
    ['POST /v1/repos', { body: { path: repo, existing: 'ok' } }, 200, { status: 'known', path: repo, project: 'demo' }],
    ['POST /v1/repos', { body: { path: risky } }, 409, code('untrusted')],
    ['POST /v1/repos', { body: { path: plain } }, 201, { status: 'added', path: plain, project: 'plain', enables: [] }],
    [
      'POST /v1/repos/compose',
      { body: { path: join(started.root, 'both'), members: ['nope'] } },
      404,
      code('repo_not_found'),
    ],
    ['POST /v1/repos/compose', { body: { path: plain, members: ['plain'] } }, 400, code('bad_repo')],
    [
      'POST /v1/repos/compose',
      { body: { path: join(started.root, 'both'), members: ['plain'] } },
      201,
      { status: 'added', path: join(started.root, 'both'), project: 'both' },
    ],
    ['DELETE /v1/repos/:project', { params: { project: 'both' } }, 200, { status: 'removed', project: 'both' }],
    ['GET /v1/repos/:project', { params: { project: 'plain' } }, 200, { path: plain }],
    ['GET /v1/repos/:project', { params: nope }, 404, code('repo_not_found')],
    ['POST /v1/repos/:project/move', { params: nope, body: { host: 'x' } }, 404, code('repo_not_found')],
    ['POST /v1/repos/:project/move', { params: { project: 'plain' }, body: { host: 'x' } }, 404, code('not_found')],
    ['POST /v1/repos/:project/trust', { params: { project: 'plain' } }, 200, { status: 'trusted' }],
    ['POST /v1/repos/:project/trust', { params: nope }, 404, code('repo_not_found')],
    [
      'POST /v1/repos/:project/trust',
      { params: { project: 'plain' }, query: `?digest=${'0'.repeat(64)}` },
      409,
      code('untrusted'),
    ],
    [
      'GET /v1/trust',
      {},
      200,
      [
        { project: 'demo', state: 'trusted' },
        { project: 'plain', by: 'api' },
      ],
    ],
    ['GET /v1/trust/:project', { params: { project: 'plain' } }, 200, { state: 'trusted', changes: [], problem: null }],
    ['GET /v1/trust/:project', { params: nope }, 404, code('repo_not_found')],
    ['POST /v1/trust/look', { body: { path: plain } }, 200, { project: 'plain', state: 'trusted', may_act: true }],
    ['POST /v1/trust/look', { body: { path: risky, way: 'run' } }, 200, { state: 'new', may_act: false }],
    ['POST /v1/trust/look', { body: { path: join(started.root, 'absent') } }, 400, code('bad_repo')],
    ['DELETE /v1/trust/:project', { params: nope }, 404, code('repo_not_found')],
    ['DELETE /v1/trust/:project', { params: { project: 'plain' } }, 200, { status: 'revoked', project: 'plain' }],
    ['POST /v1/repos/:project/pause', { params: { project: 'plain' } }, 200, { status: 'paused' }],
    ['POST /v1/repos/:project/pause', { params: nope }, 404, code('repo_not_found')],
    ['POST /v1/repos/:project/resume', { params: { project: 'plain' } }, 200, { status: 'resumed' }],
    ['POST /v1/repos/:project/resume', { params: nope }, 404, code('repo_not_found')],
    ['DELETE /v1/repos/:project', { params: nope }, 404, code('repo_not_found')],
    ['DELETE /v1/repos/:project', { params: demo }, 409, code('conflict')],
    ['DELETE /v1/repos/:project', { params: { project: plain } }, 200, { status: 'removed', project: 'plain' }],
    ['POST /v1/reload', {}, 200, { status: 'reloaded' }],

    [
      'POST /v1/check',
      { body: { content: '## Wave 1\n\n### Task 1: a\n\n### Task 1: b\n' } },
      200,
      expect.objectContaining({ ok: false, problems: [expect.objectContaining({ line: 5 })] }),
    ],
    ['POST /v1/check', { body: { content: 'a\u0000b' } }, 400, code('bad_plan')],
    ['GET /v1/plans', {}, 200, expect.arrayContaining([expect.objectContaining({ plan: 'busy' })])],
    ['GET /v1/plans', { query: '?projct=demo' }, 400, code('bad_request'), '"projct"', 'project?'],
    ['GET /v1/repos/:project/plans', { params: demo }, 200],
    ['GET /v1/repos/:project/plans', { params: nope }, 404, code('repo_not_found')],
    [
      'POST /v1/repos/:project/plans',
      { params: demo, body: { plan: 'new', content: planText(['true']) } },
      201,
      { status: 'ready', phase: 'planned' },
    ],
    ['POST /v1/repos/:project/plans', { params: demo, body: { plan: 'new', content: '' } }, 409, code('conflict')],
    [
      'POST /v1/repos/:project/plans',
      { params: demo, body: { plan: 'Not A Name', content: '' } },
      400,
      code('bad_request'),
    ],
    ['POST /v1/repos/:project/plans', { params: nope, body: { plan: 'a', content: '' } }, 404, code('repo_not_found')],
    [
      'POST /v1/repos/:project/plans',
      { params: demo, body: { plan: 'big', content: 'x'.repeat(1_100_000) } },
      400,
      code('bad_plan'),
    ],
    ['POST /v1/repos/:project/plans', { params: demo, body: 'x'.repeat(3_200_000) }, 413, code('too_large')],
    ['GET /v1/repos/:project/plans/:plan', { params: plan('finished') }, 200, { status: 'done' }],
    ['GET /v1/repos/:project/plans/:plan', { params: plan('absent') }, 404, code('plan_not_found')],
    [
      'PUT /v1/repos/:project/plans/:plan/file',
      { params: plan('planned'), body: { file: 'README.md', content: 'hello\n' } },
      200,
      { file: 'README.md', file_digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ],
    [
      'PUT /v1/repos/:project/plans/:plan/file',
      { params: plan('planned'), body: { file: 'other.md', content: 'hello\n' } },
      409,
      code('conflict'),
    ],
    ['PUT /v1/repos/:project/plans/:plan/file', { params: plan('absent'), body: { file: 'a.md', content: '' } }, 404],
    [
      'PUT /v1/repos/:project/plans/:plan/content',
      { params: plan('planned'), body: { content: planText(['true']), file: 'other.md' } },
      409,
      code('conflict'),
    ],
    [
      'PUT /v1/repos/:project/plans/:plan/content',
      { params: plan('new'), body: { content: planText(['false']) } },
      200,
      { signal: { status: 'done' } },
    ],
    [
      'PUT /v1/repos/:project/plans/:plan/content',
      { params: plan('busy'), body: { content: planText(['no']) } },
      409,
      { code: 'refused', signal: { status: 'failed' } },
    ],
    [
      'PUT /v1/repos/:project/plans/:plan/content',
      { params: plan('absent'), body: { content: '' } },
      404,
      code('plan_not_found'),
    ],
    ['GET /v1/repos/:project/plans/:plan/leftovers', { params: plan('finished') }, 200],
    ['GET /v1/repos/:project/plans/:plan/leftovers', { params: plan('absent') }, 404, code('plan_not_found')],
    ['DELETE /v1/repos/:project/plans/:plan', { params: plan('busy') }, 409, code('conflict')],
    ['DELETE /v1/repos/:project/plans/:plan', { params: plan('new') }, 200, { status: 'deleted', plan: 'new' }],
    ['DELETE /v1/repos/:project/plans/:plan', { params: plan('new') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/history', { params: plan('finished') }, 200],
    [
      'GET /v1/repos/:project/plans/:plan/history',
      { params: plan('finished'), query: '?after=x' },
      400,
      code('bad_request'),
      'after',
    ],
    ['GET /v1/repos/:project/plans/:plan/history', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/trace', { params: plan('finished') }, 200],
    ['GET /v1/repos/:project/plans/:plan/trace', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/explain', { params: plan('busy') }, 200, { waiting_for: { kind: 'agent' } }],
    ['GET /v1/repos/:project/plans/:plan/explain', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/replay', { params: plan('finished') }, 200, { status: 'done' }],
    ['GET /v1/repos/:project/plans/:plan/replay', { params: plan('finished'), query: '?to=0' }, 404, code('not_found')],
    ['GET /v1/repos/:project/plans/:plan/replay', { params: plan('finished'), query: '?at=noon' }, 400],
    ['GET /v1/repos/:project/plans/:plan/replay', { params: plan('absent') }, 404, code('plan_not_found')],
    ['POST /v1/repos/:project/plans/:plan/what-if', { params: plan('finished'), body: {} }, 200, { plan: 'finished' }],
    ['POST /v1/repos/:project/plans/:plan/what-if', { params: plan('absent'), body: {} }, 404, code('plan_not_found')],
    [
      'POST /v1/repos/:project/plans/:plan/what-if',
      { params: plan('finished'), body: { from: 1_000_000 } },
      400,
      code('bad_request'),
    ],
    ['GET /v1/repos/:project/plans/:plan/verify', { params: plan('finished') }, 200, { ok: true, checked: 1 }],
    ['GET /v1/repos/:project/plans/:plan/verify', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/verify', {}, 200, { differs: [] }],
    ['GET /v1/repos/:project/past', { params: demo }, 200, { project: 'demo' }],
    ['GET /v1/repos/:project/past', { params: nope }, 404, code('repo_not_found')],
    [
      'GET /v1/repos/:project/plans/:plan/states',
      { params: plan('busy') },
      200,
      {
        at: null,
        actors: expect.arrayContaining([
          expect.objectContaining({ actor: '', machine: 'plan', states: expect.arrayContaining(['gate.open']) }),
          {
            actor: 'wave-1.2/task-1.1/agent',
            machine: 'agent',
            states: ['running'],
            context: expect.objectContaining({ role: 'coder', runs: 1 }),
          },
        ]),
      },
    ],
    ['GET /v1/repos/:project/plans/:plan/states', { params: plan('absent') }, 404, code('plan_not_found')],
    ['POST /v1/repos/:project/plans/:plan/push', { params: plan('finished') }, 200],
    ['POST /v1/repos/:project/plans/:plan/push', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/prompt', { params: plan('planned') }, 200, { role: 'coder' }],
    ['GET /v1/repos/:project/plans/:plan/prompt', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/diff', { params: plan('finished') }, 200, { task: null, files_left_out: 0 }],
    [
      'GET /v1/repos/:project/plans/:plan/diff',
      { params: plan('finished'), query: '?at=2100-01-01T00:00:00Z' },
      200,
      { task: null, files_left_out: 0 },
    ],
    [
      'GET /v1/repos/:project/plans/:plan/diff',
      { params: plan('finished'), query: '?to=9&at=2100-01-01T00:00:00Z' },
      400,
    ],
    ['GET /v1/repos/:project/plans/:plan/diff', { params: plan('planned') }, 409, code('conflict')],
    ['GET /v1/repos/:project/plans/:plan/diff', { params: plan('absent') }, 404, code('plan_not_found')],
    ['GET /v1/repos/:project/plans/:plan/comments', { params: plan('finished') }, 200],
    ['GET /v1/repos/:project/plans/:plan/comments', { params: plan('absent') }, 404, code('plan_not_found')],
    [
      'GET /v1/repos/:project/plans/:plan/diff/files',
      { params: plan('finished'), query: '?after=0' },
      200,
      { task: null, since: null, next: null },
    ],
    ['GET /v1/repos/:project/plans/:plan/diff/files', { params: plan('absent') }, 404, code('plan_not_found')],
    [
      'GET /v1/repos/:project/plans/:plan/diff/files',
      { params: plan('finished'), query: '?task=w1-t1&since=1' },
      400,
      code('bad_request'),
    ],
    [
      'GET /v1/repos/:project/plans/:plan/diff/file',
      { params: plan('finished'), query: `?${new URLSearchParams({ path: 'a.txt' })}` },
      200,
      { path: 'a.txt', next: null },
    ],
    [
      'GET /v1/repos/:project/plans/:plan/diff/file',
      { params: plan('finished'), query: '?path=no%0Asuch' },
      404,
      code('not_found'),
    ],
    ['GET /v1/repos/:project/plans/:plan/diff/file', { params: plan('finished') }, 400, code('bad_request')],

    [
      'GET /v1/repos/:project/tasks',
      { params: demo },
      200,
      expect.arrayContaining([
        {
          filename: 'busy',
          status: 'implementing',
          execution_state: 'wave_running',
          branch: 'plan/busy',
          pr_url: '',
          review_cycle: 0,
          description: 'A plan',
          topic: '',
        },
      ]),
    ],
    ['GET /v1/repos/:project/tasks', { params: nope }, 404, code('repo_not_found')],
    [
      'GET /v1/repos/:project/live-status',
      { params: demo, query: '?cap=1' },
      200,
      {
        schema_version: 2,
        daemon_running: true,
        lifecycle: { ready: 2, implementing: 1, total: 3 },
        active_agents: [{ task: 'busy', role: 'coder', wave: 1, task_number: 1, stage: 'running' }],
        truncated: { tasks: 2 },
      },
    ],
    ['GET /v1/repos/:project/live-status', { params: demo, query: '?cap=many' }, 400, ofKasmos.noCap],
    ['GET /v1/repos/:project/live-status', { params: nope }, 404, code('repo_not_found')],
    [
      'POST /v1/repos/:project/plans/:plan/implement',
      { params: plan('draft') },
      409,
      { ...ofKasmos.notPlanned, code: 'refused', signal: { status: 'failed' } },
    ],
    ['POST /v1/repos/:project/plans/:plan/implement', { params: plan('absent') }, 404, code('plan_not_found')],
    [
      'POST /v1/repos/:project/plans/:plan/plan',
      { params: plan('draft'), body: { prompt: 'log in', program: '' } },
      409,
      { signal: { type: 'plan_start' } },
    ],
    [
      'POST /v1/repos/:project/plans/:plan/plan',
      { params: plan('planned'), body: { program: 'claude' } },
      400,
      code('bad_request'),
      '[agents.planner]',
    ],
    [
      'POST /v1/repos/:project/plans/:plan/plan',
      { params: plan('planned.md') },
      202,
      { status: 'accepted', filename: 'planned', notes: [] },
    ],
    [
      'POST /v1/repos/:project/plans/:plan/plan',
      { params: plan('planned'), body: { prompt: 'log in' } },
      202,
      { notes: [expect.any(String)] },
    ],

    [
      'POST /v1/repos/:project/preview',
      { params: demo, body: { plan: 'busy', type: 'cancel' } },
      200,
      { act: 'cancel', accepted: true },
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'draft', type: 'pause' } },
      200,
      { signal: { status: 'done' } },
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'draft', type: 'resume', wait_ms: 0 } },
      202,
      { signal: { status: 'pending' } },
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'busy', type: 'review_approved' } },
      409,
      { code: 'refused', signal: { refused: { by: 'plan' } } },
      'cancel',
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'busy', type: 'puase' } },
      400,
      code('unknown_signal'),
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'busy', type: 'run_exited' } },
      409,
      code('not_allowed'),
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'busy', type: 'needs_decision' } },
      400,
      code('bad_payload'),
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'absent', type: 'pause' } },
      404,
      code('plan_not_found'),
    ],
    ['POST /v1/repos/:project/signals', { params: demo, body: '{' }, 400, code('bad_request')],
    [
      'POST /v1/repos/:project/signals',
      {
        params: demo,
        body: '{"plan": "absent", "type": "pause"}',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      415,
      code('unsupported_media_type'),
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: '{}', headers: { 'content-type': 'text/plain' } },
      415,
      code('unsupported_media_type'),
      'text/plain',
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: `${'['.repeat(500)}${']'.repeat(500)}` },
      400,
      code('bad_request'),
      '64',
    ],
    ['POST /v1/repos/:project/signals', { params: demo, body: '[]' }, 400, code('bad_request')],
    [
      'PUT /v1/repos/:project/plans/:plan/file',
      { params: plan('draft'), body: '{"file": "\\ud800", "content": "x"}' },
      400,
      code('bad_request'),
    ],
    [
      'POST /v1/repos/:project/signals',
      { params: demo, body: { plan: 'busy', type: 'pause' }, headers: { authorization: 'Bearer nobody' } },
      401,
      code('unauthorized'),
    ],
    ['GET /v1/repos/:project/signals', { params: demo, query: '?plan=finished&status=done' }, 200],
    ['GET /v1/repos/:project/signals', { params: nope }, 404, code('repo_not_found')],
    ['GET /v1/repos/:project/signals/:id', { params: { ...demo, id } }, 200, { id }],
    ['GET /v1/repos/:project/signals/:id', { params: { ...demo, id: 999_999 } }, 404, code('not_found')],
    ['GET /v1/repos/:project/signals/:id', { params: { ...demo, id: 'x' } }, 400, code('bad_request'), 'id'],
    ['GET /v1/signals', {}, 200],
    ['GET /v1/signals', { query: '?status=lost' }, 400, code('bad_request')],
    ['GET /v1/signals/:id', { params: { id } }, 200, { id }],
    ['GET /v1/signals/:id', { params: { id: 999_999 } }, 404, code('not_found')],
    ['POST /v1/signals/:id/retry', { params: { id: refusedWord.signal.id } }, 200, { signal: { status: 'failed' } }],
    ['POST /v1/signals/:id/retry', { params: { id } }, 409, code('conflict')],
    ['POST /v1/signals/:id/retry', { params: { id: 999_999 } }, 404, code('not_found')],

    ['GET /v1/instances', { query: '?plan=busy' }, 200, [{ title: 'busy-w1-t1', state: 'running' }]],
    ['GET /v1/repos/:project/instances', { params: demo }, 200],
    ['GET /v1/repos/:project/words', { params: demo }, 200, []],
    ['GET /v1/repos/:project/instances', { params: nope }, 200, []],
    ['GET /v1/repos/:project/instances/:title/capture', { params: titled('busy-w1-t1') }, 200],
    ['GET /v1/repos/:project/instances/:title/capture', { params: titled('absent') }, 404, code('not_found')],
    ['GET /v1/repos/:project/instances/:title/logs', { params: titled('busy-w1-t1') }, 200],
    ['GET /v1/repos/:project/instances/:title/logs', { params: titled('absent') }, 404, code('not_found')],
    [
      'GET /v1/repos/:project/instances/:title/capture',
      { params: titled('busy-w1-t1'), query: '?start=5' },
      400,
      code('bad_request'),
      'start',
    ],
    [
      'POST /v1/repos/:project/instances/:title/send',
      { params: titled('busy-w1-t1'), body: { message: 'hello' } },
      204,
    ],
    [
      'POST /v1/repos/:project/instances/:title/send',
      { params: titled('busy-w1-t1'), body: {} },
      400,
      code('bad_request'),
      'message',
      'prompt',
    ],
    [
      'POST /v1/repos/:project/instances/:title/send',
      { params: titled('busy-w1-t1'), body: { prompt: 'a', image_paths: [] } },
      400,
      code('bad_request'),
      '"image_paths"',
    ],
    [
      'POST /v1/repos/:project/instances/:title/send',
      { params: titled('finished-w1-t1'), body: { prompt: 'hello' } },
      409,
      { signal: { type: 'agent_send' } },
    ],
    [
      'POST /v1/repos/:project/instances/:title/send',
      { params: titled('absent'), body: { prompt: 'a' } },
      404,
      code('not_found'),
    ],
    [
      'POST /v1/repos/:project/instances/:title/type',
      { params: titled('busy-w1-t1'), body: { text: 'hello' } },
      409,
      { signal: { type: 'agent_type' } },
    ],
    [
      'POST /v1/repos/:project/instances/:title/type',
      { params: titled('busy-w1-t1'), body: { text: 'hello', key: 'enter' } },
      400,
      code('bad_request'),
      'text',
      'key',
    ],
    [
      'POST /v1/repos/:project/instances/:title/type',
      { params: titled('absent'), body: { key: 'enter' } },
      404,
      code('not_found'),
    ],
    [
      'POST /v1/repos/:project/instances/:title/pause',
      { params: titled('busy-w1-t1') },
      200,
      { status: 'ok', signal: { type: 'agent_pause' } },
    ],
    ['POST /v1/repos/:project/instances/:title/pause', { params: titled('finished-w1-t1') }, 409, code('refused')],
    ['POST /v1/repos/:project/instances/:title/pause', { params: titled('absent') }, 404, code('not_found')],
    ['POST /v1/repos/:project/instances/:title/resume', { params: titled('busy-w1-t1') }, 200, { status: 'ok' }],
    ['POST /v1/repos/:project/instances/:title/resume', { params: titled('finished-w1-t1') }, 409, code('refused')],
    ['POST /v1/repos/:project/instances/:title/resume', { params: titled('absent') }, 404, code('not_found')],
    [
      'POST /v1/repos/:project/instances/:title/allow',
      { params: titled('busy-w1-t1'), body: {} },
      409,
      code('refused'),
    ],
    ['POST /v1/repos/:project/instances/:title/allow', { params: titled('absent'), body: {} }, 404, code('not_found')],
    [
      'POST /v1/repos/:project/instances/:title/allow',
      { params: titled('busy-w1-t1'), body: { permission: '../x' } },
      400,
      code('bad_request'),
      'permission',
    ],
    [
      'POST /v1/repos/:project/instances/:title/deny',
      { params: titled('busy-w1-t1'), body: { message: 'no' } },
      409,
      code('refused'),
    ],
    [
      'POST /v1/repos/:project/plans/:plan/permissions',
      { params: plan('busy'), body: { id: '9f3a1c2e', tool: 'Bash', detail: 'ls' } },
      409,
      code('not_allowed'),
    ],
    [
      'DELETE /v1/repos/:project/plans/:plan/permissions/:id',
      { params: { ...plan('busy'), id: '9f3a1c2e' } },
      409,
      code('not_allowed'),
    ],
    [
      'POST /v1/repos/:project/instances/:title/permission',
      { params: titled('busy-w1-t1'), body: { choice: 0 } },
      409,
      code('refused'),
    ],
    [
      'POST /v1/repos/:project/instances/:title/permission',
      { params: titled('absent'), body: { choice: 2 } },
      404,
      code('not_found'),
    ],
    [
      'GET /v1/repos/:project/instances/:title/presentation',
      { params: titled('busy-w1-t1') },
      200,
      { supported: false, turns: null },
    ],
    ['GET /v1/repos/:project/instances/:title/presentation', { params: titled('absent') }, 404, code('not_found')],
    ['POST /v1/repos/:project/instances/:title/restart', { params: titled('busy-w1-t1') }, 200, { status: 'ok' }],
    ['POST /v1/repos/:project/instances/:title/restart', { params: titled('finished-w1-t1') }, 409, code('refused')],
    ['POST /v1/repos/:project/instances/:title/restart', { params: titled('absent') }, 404, code('not_found')],
    [
      'POST /v1/repos/:project/instances/:title/kill',
      { params: titled('busy-w1-t1') },
      200,
      { status: 'ok', signal: { status: 'done' } },
    ],
    [
      'POST /v1/repos/:project/instances/:title/kill',
      { params: titled('finished-w1-t1') },
      200,
      { status: 'ok', signal: { status: 'failed' } },
    ],
    ['POST /v1/repos/:project/instances/:title/kill', { params: titled('absent') }, 404, code('not_found')],

    ['GET /v1/queue', {}, 200],
    ['GET /v1/queue/stats', {}, 200, { paused: false, max_agents: 3 }],
    ['POST /v1/queue/pause', {}, 200, { status: 'paused', changed: true }],
    ['POST /v1/queue/pause', {}, 200, { status: 'paused', changed: false }],
    [
      'POST /v1/repos/:project/plans/:plan/implement',
      { params: plan('planned') },
      202,
      { status: 'accepted', project: 'demo', filename: 'planned' },
    ],
    ['GET /v1/queue/stats', {}, 200, { paused: true }],
    ['POST /v1/queue/resume', {}, 200, { status: 'resumed', changed: true }],
    ['POST /v1/queue/clear', {}, 200, { status: 'cleared' }],
    ['GET /v1/forges', {}, 200, []],
    ['GET /v1/accounts', {}, 200, []],
    ['GET /v1/work', { query: '?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z' }, 200, { is_cut: false }],
    ['GET /v1/work', { query: '?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z' }, 400, code('bad_request')],
    ['GET /v1/intakes', {}, 200, [{ name: 'inbox', source: 'folder', enabled: false, taken: 0 }]],
    ['GET /v1/intakes/:name', { params: { name: 'inbox' } }, 200, { name: 'inbox', items: [] }],
    ['GET /v1/intakes/:name', { params: { name: 'none' } }, 404, code('not_found')],
    ['GET /v1/intakes/:name/try', { params: { name: 'inbox' } }, 200, { name: 'inbox', room: 3, items: [] }],
    ['GET /v1/intakes/:name/try', { params: { name: 'none' } }, 404, code('not_found')],
    ['POST /v1/intakes/:name/deliveries', { params: { name: 'inbox' } }, 401, code('unauthorized')],
    ['POST /v1/repos/:project/notes', { params: demo, body: { text: 'slow tests' } }, 200, { id: 1, state: 'taken' }],
    ['POST /v1/repos/:project/notes', { params: nope, body: { text: 'x' } }, 404, code('repo_not_found')],
    ['POST /v1/repos/:project/notes', { params: demo, body: { text: ' ' } }, 400, code('bad_request'), 'text'],
    [
      'POST /v1/repos/:project/plans/:plan/notes',
      { params: plan('busy'), body: { text: 'slow checks' } },
      200,
      { id: 2, author: 'person', plan: null },
    ],
    ['GET /v1/notes', { query: '?state=taken' }, 200, [{ id: 1 }, { id: 2 }]],
    ['GET /v1/notes', { query: '?state=open' }, 400, code('bad_request')],
    ['GET /v1/repos/:project/notes/:id', { params: { ...demo, id: 1 } }, 200, { text: 'slow tests' }],
    ['GET /v1/repos/:project/notes/:id', { params: { ...demo, id: 9 } }, 404, code('not_found')],
    ['POST /v1/repos/:project/notes/:id/refuse', { params: { ...demo, id: 1 }, body: {} }, 200, { state: 'refused' }],
    ['POST /v1/repos/:project/notes/:id/refuse', { params: { ...demo, id: 9 }, body: {} }, 404, code('not_found')],
    ['POST /v1/repos/:project/notes/:id/take', { params: { ...demo, id: 1 }, body: {} }, 200, { state: 'taken' }],
    ['POST /v1/repos/:project/notes/:id/take', { params: { ...demo, id: 9 }, body: {} }, 404, code('not_found')],
    ['DELETE /v1/repos/:project/notes/:id', { params: { ...demo, id: 1 } }, 200, { state: 'forgotten', text: '' }],
    ['DELETE /v1/repos/:project/notes/:id', { params: { ...demo, id: 9 } }, 404, code('not_found')],
    ['GET /v1/landings', {}, 200, []],
    ['GET /v1/repos/:project/landing', { params: { project: 'demo' } }, 404, code('not_found')],
    ['POST /v1/repos/:project/landing/pause', { params: { project: 'demo' }, body: {} }, 404, code('not_found')],
    [
      'POST /v1/repos/:project/landing/resume',
      { params: { project: 'demo' }, body: { branch: 'main' } },
      404,
      code('not_found'),
    ],
    [
      'POST /v1/repos/:project/landing/first',
      { params: { project: 'demo' }, body: { plan: 'nope' } },
      409,
      code('conflict'),
    ],
    [
      'POST /v1/repos/:project/landing/remove',
      { params: { project: 'demo' }, body: { plan: 'nope' } },
      409,
      code('conflict'),
    ],
    ['GET /v1/hosts', {}, 200, []],
    ['GET /v1/hosts/:host', { params: { host: 'a' } }, 404, code('not_found')],
    ['POST /v1/hosts/:host/drain', { params: { host: 'a' } }, 409, code('conflict')],
    ['DELETE /v1/hosts/:host', { params: { host: 'a' } }, 409, code('conflict')],
    ['GET /v1/notifications', { query: '?all=true' }, 200],
    ['GET /v1/notifications', { query: '?all=yes' }, 400, code('bad_request')],
    ['POST /v1/notifications/clear', {}, 200, { status: 'read' }],
    ['GET /v1/schedules', {}, 200, []],
    [
      'GET /v1/machines',
      {},
      200,
      ['supervisor', 'repo', 'landing', 'plan', 'wave', 'task', 'agent', 'release'].map((name) => ({ name })),
    ],
    ...ofMcp,
    ...ofOwnMachine,
    ['GET /v1/machines/:name', { params: { name: 'task' } }, 200],
    ['GET /v1/machines/:name', { params: { name: 'engine' } }, 404, code('not_found')],
    ['POST /v1/gc', { body: { dry: true } }, 200, { dry: true, items: expect.any(Array), notes: [] }],
    ['POST /v1/gc', { body: { overrides: ['everything'] } }, 400, code('bad_request')],
    ['POST /v1/gc', { body: { everything: true, dry: true } }, 200, { dry: true, notes: [] }],
    ['POST /v1/gc', { body: { everything: true } }, 409, code('conflict')],
    ['POST /v1/repair', { body: { dry: true } }, 200],
    ['POST /v1/repair', { body: { dry: 'yes' } }, 400, code('bad_request')],
    ['GET /v1/machines/:name', { params: { name: 'task' }, query: '?format=svg' }, 200],
    ['GET /v1/machines/:name', { params: { name: 'task' }, query: '?format=png' }, 400, code('bad_request')],
    ['GET /v1/machines/:name', { params: { name: 'task' }, query: '?theme=dark' }, 400, code('bad_request')],
    ['GET /v1/machines/:name', { params: { name: 'task' }, query: '?format=svg&plan=p' }, 400, code('bad_request')],
    ['GET /v1/machines/:name', { params: { name: 'task' }, query: '?format=svg&tree=1' }, 404, code('machine_unknown')],
    [
      'GET /v1/machines/:name',
      { params: { name: 'task' }, query: '?format=svg&tree=1&plan=p' },
      400,
      code('bad_request'),
    ],
    [
      'GET /v1/machines/:name',
      { params: { name: 'task' }, query: '?format=svg&project=demo&plan=nope' },
      404,
      code('plan_not_found'),
    ],
    ['GET /v1/events', { query: '?since=x' }, 400, code('bad_request'), 'since'],
  ];
  const words: string[] = [];
  for (const [key, given, status, part, ...places] of rows) {
    const answer = await of(key, given);
    words.push(...toldBy(answer).map((text) => `${key}\n${text}`));
    const where = `${key} ${JSON.stringify(given).slice(0, 200)}: ${answer.text.slice(0, 500)}`;
    expect(answer.status, where).toBe(status);
    if (Array.isArray(part)) expect(answer.json, where).toMatchObject(part);
    else if (part !== undefined && typeof part === 'object' && part !== null && 'asymmetricMatch' in part)
      expect(answer.json, where).toEqual(part);
    else if (part !== undefined) expect(answer.json, where).toMatchObject(part as object);
    for (const place of places) expect(toldBy(answer).join(), where).toContain(place);
  }
  openGate(go);
  await untilStatus(started, 'planned', 'done');

  await client.send({ ...plan('finished'), type: 'land' });
  await until(async () => (await client.plan('demo', 'finished')).landing === 'merged');
  const paused = await of('POST /v1/repos/:project/landing/pause', { params: demo, body: {} });
  expect([paused.status, paused.json]).toMatchObject([200, { branch: 'main', paused: true }]);
  await client.send({ ...plan('planned'), type: 'land' });
  await until(async () => (await client.landing(demo)).line.length === 1);
  const waits = { branch: 'main', state: 'empty', paused: true, current: [], line: [{ plan: 'planned' }] };
  const landingRows: readonly Row[] = [
    ['GET /v1/landings', { query: '?project=demo' }, 200, [waits]],
    ['GET /v1/repos/:project/landing', { params: demo }, 200, waits],
    ['GET /v1/repos/:project/landing', { params: demo, query: '?branch=other' }, 404, code('not_found')],
    ['POST /v1/repos/:project/landing/first', { params: demo, body: { plan: 'planned' } }, 200, waits],
    ['POST /v1/repos/:project/landing/remove', { params: demo, body: { plan: 'planned' } }, 200, { line: [] }],
    ['POST /v1/repos/:project/landing/resume', { params: demo, body: { branch: 'main' } }, 200, { paused: false }],
  ];
  for (const [key, given, status, part] of landingRows) {
    const answer = await of(key, given);
    words.push(...toldBy(answer).map((text) => `${key}\n${text}`));
    expect([answer.status, answer.json], key).toMatchObject([status, part]);
  }

  const hooked = another(started, 'hooked', '[[hooks]]\ntype = "command"\nname = "tell"\ncommand = "true"\n');
  await client.addRepo(hooked, { trust: true });
  await register(started, 'told', planText(['true']), 'hooked');
  await register(started, 'idea', '# An idea\n', 'hooked');
  await client.send({ project: 'hooked', plan: 'told', type: 'cancel' });
  const delivered = () => client.deliveries({ project: 'hooked', state: 'delivered' });
  await until(async () => (await delivered()).length === 1);
  const [told] = await delivered();
  const delivery = { id: told?.id ?? '' };
  const tell = { project: 'hooked', hook: 'tell' };
  const hookRows: readonly Row[] = [
    ['GET /v1/hooks', { query: '?project=hooked' }, 200, [{ hook: 'tell', state: 'on', delivered: 1, dead: 0 }]],
    ['GET /v1/hooks/deliveries', { query: '?hook=tell&plan=told&limit=1' }, 200, [{ ...delivery, event: 'cancel' }]],
    ['GET /v1/hooks/deliveries', { query: '?hook=other' }, 200, []],
    ['GET /v1/hooks/deliveries', { query: '?state=done' }, 400, code('bad_request')],
    ['GET /v1/hooks/deliveries/:id', { params: delivery }, 200, { ...delivery, last_status: 0, sequence: 1 }],
    ['GET /v1/hooks/deliveries/:id', { params: { id: 'msg_none' } }, 404, code('not_found')],
    ['POST /v1/hooks/deliveries/:id/redeliver', { params: delivery }, 200, { ...delivery, state: 'pending' }],
    ['POST /v1/hooks/deliveries/:id/redeliver', { params: { id: 'msg_none' } }, 404, code('not_found')],
    ['POST /v1/repos/:project/hooks/:hook/disable', { params: tell }, 200, { status: 'disabled', changed: true }],
    ['POST /v1/repos/:project/hooks/:hook/disable', { params: tell }, 200, { status: 'disabled', changed: false }],
    ['POST /v1/repos/:project/hooks/:hook/enable', { params: tell }, 200, { status: 'enabled', changed: true }],
    ['POST /v1/repos/:project/hooks/:hook/enable', { params: { ...tell, hook: 'tel' } }, 404, code('not_found')],
    ['POST /v1/repos/:project/hooks/:hook/test', { params: tell }, 200, { delivered: true, status: 0 }],
    [
      'POST /v1/repos/:project/plans/:plan/solo',
      { params: { project: 'hooked', plan: 'told' } },
      409,
      code('conflict'),
    ],
    [
      'POST /v1/repos/:project/plans/:plan/solo',
      { params: { project: 'hooked', plan: 'idea' }, body: { prompt: '```sh\ntrue\n```' } },
      200,
      { plan: { status: 'implementing' } },
    ],
    ['POST /v1/repos/:project/hooks/:hook/test', { params: { ...nope, hook: 'tell' } }, 404, code('repo_not_found')],
  ];
  for (const [key, given, status, part] of hookRows) {
    const answer = await of(key, given);
    words.push(...toldBy(answer).map((text) => `${key}\n${text}`));
    expect([answer.status, answer.json], key).toMatchObject([status, part]);
  }

  // A forge that takes anybody, and a repo that has a remote there.
  const forge = await startForge('forgejo', { token: null, owner: 'acme', name: 'shop' });
  forge.state.issues.set(12, {
    title: 'The basket is empty',
    body: 'Always.',
    author: 'eve',
    state: 'open',
    comments: [],
  });
  addServer(started.home, { name: 'here', url: forge.url, kind: 'forgejo', allow_private: true });
  const shop = another(started, 'shop', '[agents.reviewer]\nenabled = false\n');
  git(shop, 'remote', 'add', 'origin', `${forge.url}/acme/shop.git`);
  await client.addRepo(shop, { trust: true });
  const issue = { reference: `${new URL(forge.url).host}/acme/shop#12` };
  const message = 'do it\n\n```sh\necho a > issue.txt\n```';
  const body = (more: object) => ({ body: { ...issue, ...more } });
  const pull = `${forge.url}/acme/shop/pulls/1`;
  const at = '2026-01-02T03:04:05Z';
  const earlier = { created_at: at, done: true, notifications: [] };
  const said = { by: 'person', content: 'do it', at };
  const issueRows: readonly Row[] = [
    ['POST /v1/issues/start', body({ message: 'x', pull_request: 'x' }), 400, code('usage')],
    ['POST /v1/issues/start', { body: { reference: 'acme/other#1', message } }, 404, code('not_found')],
    ['POST /v1/issues/start', body({ message }), 200, { status: 'started', session: { branch: 'fix/issue-12' } }],
    ['POST /v1/issues/start', body({ message }), 409, code('conflict')],
    ['POST /v1/issues/continue', body({ message: 'and more', queue: true }), 200, { notes: [] }],
    ['POST /v1/issues/enqueue', body({ message: 'and still more' }), 200, { notes: [] }],
    ['POST /v1/delegate', { body: { message: `see ${issue.reference}, please` } }, 200, { notes: [] }],
    ['POST /v1/delegate', { body: { message: 'no issue and no repo' } }, 400, code('usage')],
    ['GET /v1/issues', { query: '?project=shop' }, 200, [{ ...issue, title: 'The basket is empty' }]],
    ['GET /v1/issues/context', { query: `?reference=${encodeURIComponent(issue.reference)}` }, 200, issue],
    ['POST /v1/issues/set-pr', body({ url: pull }), 200, { pull_request: pull }],
    ['POST /v1/issues/set-pr', body({ url: 'https://forge.test/a/b/pull/1' }), 404, code('not_found')],
    ['POST /v1/issues/comment', body({ text: 'On it.' }), 200, { status: 'commented' }],
    ['POST /v1/issues/destroy', body({ overrides: ['running', 'unpushed'] }), 409, code('refused')],
    ['POST /v1/issues/destroy', body({ force: true }), 200, { status: 'destroyed' }],
    ['POST /v1/issues/destroy', body({ force: true }), 404, code('not_found')],
    ['POST /v1/issues/prune', { body: { dry: true } }, 200, { destroyed: [], kept: [] }],
    ['POST /v1/issues/import', body({ ...earlier, messages: [said] }), 200, { status: 'imported' }],
    ['POST /v1/issues/import', body({ ...earlier, messages: [said] }), 200, { status: 'known' }],
    [
      'POST /v1/repos/:project/instances/solo',
      { params: { project: 'hooked' }, body: { title: 'night', prompt: 'do it\n\n```sh\ntrue\n```' } },
      202,
      { title: 'night-session' },
    ],
  ];
  try {
    for (const [key, given, status, part] of issueRows) {
      const answer = await of(key, given);
      // How much of the work is lost by an end depends on how far the agent came.
      if (!key.endsWith('/destroy')) words.push(...toldBy(answer).map((text) => `${key}\n${text}`));
      expect([answer.status, answer.json], key).toMatchObject([status, part]);
    }
    expect(forge.state.issues.get(12)?.comments.map(({ body: text }) => text)).toEqual(['On it.']);
  } finally {
    await forge.stop();
  }

  // An agent that waits for a line in its terminal.
  const config =
    '[agents.default]\npreset = "sh"\n[agents.coder]\nterminal = true\n[agents.reviewer]\nenabled = false\n';
  const typed = another(started, 'typed', config);
  await client.addRepo(typed, { trust: true });
  await begin(started, 'asks', planText(['read -r line; echo "$line" > line.txt']), 'typed');
  await until(async () => (await client.instances({ plan: 'asks' }))[0]?.takes_input === true);
  const line = { params: { project: 'typed', title: 'asks-w1-t1' }, body: { text: 'hello' } };
  const answer = await of('POST /v1/repos/:project/instances/:title/type', line);
  expect([answer.status, answer.json]).toMatchObject([200, { signal: { type: 'agent_type', status: 'done' } }]);
  await untilStatus(started, 'asks', 'done', 'typed');
  expect(git(typed, 'show', 'plan/asks:line.txt')).toBe('hello');

  expectProse(words.join('\n\n'));

  // A stream has no end, so it is opened and left.
  const stop = new AbortController();
  const events = await started.engine.fetch(new Request('http://stator/v1/events?since=0', { signal: stop.signal }));
  expect([events.status, events.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  stop.abort();
  seen.get('GET /v1/events')?.add(200);

  // Every route was asked, and every status of a success was seen; what nobody knows yet is a matter of luck but where it does not wait.
  const missing = routes.flatMap(({ key, definition }) =>
    Object.keys(takesMore.test(key) ? {} : definition.answers)
      .map(Number)
      .filter((status) => status < 300 && (status !== 202 || key.includes('/signals') || /plan$|implement$/.test(key)))
      .filter((status) => seen.get(key)?.has(status) !== true)
      .map((status) => `${key}: ${status}`),
  );
  expect(missing).toEqual([]);
});

it('captures the lines that were asked for', async () => {
  const started = await startEngine();
  await begin(started, 'talks', planText(['seq 1 9; echo x > x.txt']));
  await untilStatus(started, 'talks', 'done');
  const capture = async (query: string) =>
    (
      await ask(started.engine, 'GET /v1/repos/:project/instances/:title/capture', {
        params: titled('talks-w1-t1'),
        query,
      })
    ).text;
  const whole = await capture('');
  const lines = whole.trimEnd().split('\n');
  expect(lines).toEqual(expect.arrayContaining(['1', '9']));
  expect((await capture('?start=-3&end=0')).trimEnd().split('\n')).toEqual(lines.slice(-3));
  expect((await capture('?start=-3&end=-1')).trimEnd().split('\n')).toEqual(lines.slice(-3, -1));
  expect((await capture('?start=-999999')).trimEnd()).toBe(whole.trimEnd());
  expect(await capture('?start=-1&end=-5')).toBe('');
});

it('a path that takes another method, or none at all, is 404 and says what there is', async () => {
  const { engine } = await startEngine({ adds: false });
  for (const [method, path, there] of [
    ['PATCH', '/v1/repos', 'GET, POST'],
    ['POST', '/v1/repos/demo', 'GET, DELETE'],
    ['GET', '/v1/nothing', 'openapi.json'],
  ] as const) {
    const answer = await engine.fetch(new Request(`http://stator${path}`, { method }));
    expect(answer.status).toBe(404);
    expectAnswer(await answer.json(), 'not_found', path, there);
  }
  const head = await engine.fetch(new Request('http://stator/v1/events', { method: 'HEAD' }));
  expect([head.status, await head.text()]).toEqual([200, '']);
});

it('a bug of a route is 500 with an id that stands in the log, and the engine goes on', async () => {
  let isBroken = false;
  const nowMs = () => {
    if (isBroken) throw new Error('the clock has stopped');
    return Date.now();
  };
  const started = await startEngine({ clock: { nowMs } });
  isBroken = true;
  const answer = await started.engine.fetch(new Request('http://stator/v1/status'));
  isBroken = false;
  expect(answer.status).toBe(500);
  const body: unknown = await answer.json();
  const [id = 'none'] = /[0-9a-f-]{36}/.exec(JSON.stringify(body)) ?? [];
  expectAnswer(body, 'internal', id);
  expect(started.log.some((line) => line.includes(id) && line.includes('the clock has stopped'))).toBe(true);
  expect((await ask(started.engine, 'GET /v1/status')).status).toBe(200);
});
