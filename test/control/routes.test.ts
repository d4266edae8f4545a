import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { RouteKey } from '../../runtime/api/control/route.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { addServer } from '../../runtime/work/forges/servers.ts';
import { type Answered, ask, type Given } from '../support/api.ts';
import {
  afterwards,
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

/** Plays requests one after the other: `seen` has the statuses that each route answered with, `words` what the answers had for people to read. */
function clerk({ engine }: TestEngine) {
  const seen = new Map<RouteKey, Set<number>>();
  const words: string[] = [];
  const play = async (rows: readonly Row[]): Promise<void> => {
    for (const [asked, ...more] of rows) {
      const body = typeof more[0] === 'number' ? undefined : more[0];
      const [status, wanted, ...places] = (body === undefined ? more : more.slice(1)) as Wanted; // a body is no number
      const { key, given } = requestOf(asked, body);
      const answer = await ask(engine, key, given);
      seen.set(key, (seen.get(key) ?? new Set()).add(answer.status));
      // How much of the work is lost by an end depends on how far the agent came.
      if (!key.endsWith('/destroy')) words.push(...textsIn(answer).map((text) => `${key}\n${text}`));
      const where = `${asked} ${JSON.stringify(body)?.slice(0, 200)}: ${answer.text.slice(0, 500)}`;
      expect(answer.status, where).toBe(status);
      const part = typeof wanted === 'string' ? { code: wanted } : wanted;
      if (typeof part === 'object' && part !== null && 'asymmetricMatch' in part)
        expect(answer.json, where).toEqual(part);
      else if (part !== undefined) expect(answer.json, where).toMatchObject(part);
      for (const place of places) expect(textsIn(answer).join(), where).toContain(place);
    }
  };
  return { seen, words, play };
}

/** The route of a request as it is written in a row: method, path and query, then a header on each further line. */
function requestOf(asked: string, body: unknown): { readonly key: RouteKey; readonly given: Given } {
  const [line = '', ...lines] = asked.split('\n');
  const [path = '', query] = line.split('?');
  const parts = path.split('/');
  const fits = (pattern: string) => {
    const wanted = pattern.split('/');
    return (
      wanted.length === parts.length && wanted.every((each, index) => each.startsWith(':') || each === parts[index])
    );
  };
  const [route] = routes
    .filter(({ key }) => fits(key))
    .sort((one, other) => one.key.split(':').length - other.key.split(':').length);
  if (route === undefined) throw new Error(`no route takes ${line}`);
  const names = route.key.split('/').flatMap((each, index) => (each.startsWith(':') ? [[each.slice(1), index]] : []));
  const params = Object.fromEntries(
    names.map(([name, index]) => [name, decodeURIComponent(parts[Number(index)] ?? '')]),
  );
  const headers = Object.fromEntries(lines.map((header) => header.split(': ')));
  return { key: route.key, given: { params, headers, query: query === undefined ? '' : `?${query}`, body } };
}

/**
 * Their successes take a program that asks, test/effects/permissions.test.ts, a daemon, test/engine/daemon-night.test.ts, a client of MCP, test/mcp, or several
 * hosts, test/engine/hosts.test.ts and hosts-move.test.ts.
 */
const takesMore = /\/(?:allow|deny|permission|permissions|permissions\/:id|stop|inspect|mcp|hosts\/:host|drain|move)$/;

/** The request, its body if it has one, the status, then a part of the answer, or the code of an error and the places that it names. */
type Wanted = [status: number, wanted?: object | string, ...places: string[]];
type Row = readonly [asked: string, ...Wanted] | readonly [asked: string, body: object | string, ...Wanted];

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

const starts = '[agents.default]\nprogram = "make"\npreset = "command"\n';

const noSession = '\nmcp-session-id: nope\naccept: application/json, text/event-stream';
const ofMcp: readonly Row[] = [
  [`POST /mcp${noSession}`, {}, 404, { error: { code: -32_001 } }],
  [`GET /mcp${noSession}`, 404, { error: { code: -32_001 } }],
  [`DELETE /mcp${noSession}`, 404, { error: { code: -32_001 } }],
  ['POST /mcp\naccept: text/plain', 'nonsense', 406],
];

const ofOwnMachine: readonly Row[] = [
  ['POST /v1/machines/release/trees', { id: '1.2', input: { version: '1' } }, 200],
  ['POST /v1/machines/release/trees', { id: '1/2' }, 400, 'bad_request'],
  ['POST /v1/machines/release/trees', { id: '1', input: [] }, 400, 'bad_payload'],
  ['POST /v1/machines/relase/trees', { id: '1' }, 404, 'machine_unknown'],
  ['GET /v1/machines/release/trees', 200, [{ id: '1.2', value: 'asking', view: { version: '1' } }]],
  ['GET /v1/machines/release/trees?after=1.2', 200, []],
  ['GET /v1/machines/release/trees/1.2', 200, { context: { version: '1' } }],
  ['GET /v1/machines/release/trees/9', 404, 'not_found'],
  ['GET /v1/machines/release/trees/1.2/replay', 200, { context: { version: '1' }, status: 'active' }],
  ['GET /v1/machines/release/trees/1.2/replay?to=1&at=2001-01-01T00:00:00Z', 400, 'bad_request'],
  ['GET /v1/machines/nope/trees/9/replay', 404, 'machine_unknown'],
  ['GET /v1/machines/release/trees/1.2/history', 200, [{ event: 'begun' }]],
  ['GET /v1/machines/release/trees/1.2/verify', 200, { ok: true, checked: 1 }],
  ['GET /v1/machines/release/trees/1.2/explain', 200, { timers: [{ timer: 'expire' }] }],
  ['POST /v1/machines/release/trees/1.2/signals', { type: 'aprove' }, 400, 'unknown_signal'],
  ['POST /v1/machines/release/trees/1.2/signals', { type: 'approve', wait_ms: 0 }, 202],
  ['POST /v1/machines/release/trees/1.3/signals', { type: 'approve' }, 404, 'not_found'],
  ['POST /v1/machines/release/trees', { id: '1.3', input: { version: '3' } }, 200],
  [
    'POST /v1/machines/release/trees/1.3/signals',
    { type: 'refuse', payload: { reason: 'no' } },
    200,
    { tree: { value: 'refused', status: 'done' } },
  ],
  ['POST /v1/machines/release/trees/1.3/signals', { type: 'approve' }, 409, 'refused'],
  ['DELETE /v1/machines/release/trees/9', 404, 'not_found'],
  ['POST /v1/machines/release/trees', { id: '1.4', input: { version: '4' } }, 200],
  ['DELETE /v1/machines/release/trees/1.4', 409, 'conflict'],
  ['DELETE /v1/machines/release/trees/1.4?force=1', 200, { status: 'deleted', machine: 'release', id: '1.4' }],
  ['POST /v1/machines/relase/pause', 404, 'machine_unknown'],
  ['POST /v1/machines/release/pause', { lane: 'publsih' }, 400, 'bad_request'],
  [
    'POST /v1/machines/release/pause',
    { lane: 'publish' },
    200,
    { status: 'paused', changed: true, pauses: [{ machine: 'release', lane: 'publish' }] },
  ],
  ['POST /v1/machines/release/resume', 200, { changed: false, pauses: [{ lane: 'publish' }] }],
  ['POST /v1/machines/release/resume', { lane: 'publish' }, 200, { changed: true, pauses: [] }],
  ['GET /v1/machines/release', 200],
  ['GET /v1/machines/release?format=svg&tree=1.3', 200],
  ['GET /v1/machines/release?format=layout', 200],
  ['GET /v1/machines/release?format=svg&tree=nope', 404, 'not_found'],
  ['GET /v1/machines/release?tree=1.3', 400, 'bad_request'],
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
function textsIn({ status, json }: Answered): string[] {
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
  const { seen, words, play } = clerk(started);
  const { id = 0 } = (await client.signals({ project: 'demo', plan: 'finished' })).at(-1) ?? {};
  const [{ seq: begun } = { seq: 0 }] = await client.history('demo', 'busy');
  const refusedWord = await client.send({ project: 'demo', plan: 'finished', type: 'plan_start' });
  const remote = join(started.root, 'remote.git');
  git(started.root, 'init', '-q', '--bare', remote);
  git(repo, 'remote', 'add', 'origin', remote);
  expect(refusedWord.signal.status).toBe('failed');

  await play([
    ['GET /v1/ping', 200],
    [
      'GET /v1/status',
      200,
      { running: true, repo_count: 1, repos: [{ project: 'demo', path: repo, active_plans: 1 }] },
    ],
    ['GET /openapi.json', 200, { openapi: '3.1.0' }],
    ['GET /metrics', 200],
    ['POST /v1/stop', 409, 'conflict'],
    ['POST /v1/stop', { agents: 'some' }, 400, 'bad_request'],
    ['POST /v1/inspect', 200, { url: expect.stringContaining('http://127.0.0.1:') }],

    ['GET /v1/repos', 200, [{ project: 'demo', path: repo }]],
    ['POST /v1/repos', {}, 400, ofKasmos.noPath],
    ['POST /v1/repos', { path: repo, turst: true }, 400, 'bad_request', '"turst"', 'trust?'],
    ['POST /v1/repos', { path: join(started.root, 'absent') }, 400, 'bad_repo'],
    ['POST /v1/repos', { path: repo }, 409, { error: `repo already registered: ${repo}` }],
    ['POST /v1/repos', { path: repo, existing: 'ok' }, 200, { status: 'known', path: repo, project: 'demo' }],
    ['POST /v1/repos', { path: risky }, 409, 'untrusted'],
    ['POST /v1/repos', { path: plain }, 201, { status: 'added', path: plain, project: 'plain', enables: [] }],
    ['POST /v1/repos/compose', { path: join(started.root, 'both'), members: ['nope'] }, 404, 'repo_not_found'],
    ['POST /v1/repos/compose', { path: plain, members: ['plain'] }, 400, 'bad_repo'],
    [
      'POST /v1/repos/compose',
      { path: join(started.root, 'both'), members: ['plain'] },
      201,
      { status: 'added', path: join(started.root, 'both'), project: 'both' },
    ],
    ['DELETE /v1/repos/both', 200, { status: 'removed', project: 'both' }],
    ['GET /v1/repos/plain', 200, { path: plain }],
    ['GET /v1/repos/nope', 404, 'repo_not_found'],
    ['POST /v1/repos/nope/move', { host: 'x' }, 404, 'repo_not_found'],
    ['POST /v1/repos/plain/move', { host: 'x' }, 404, 'not_found'],
    ['POST /v1/repos/plain/trust', 200, { status: 'trusted' }],
    ['POST /v1/repos/nope/trust', 404, 'repo_not_found'],
    [`POST /v1/repos/plain/trust?digest=${'0'.repeat(64)}`, 409, 'untrusted'],
    ['POST /v1/repos/plain/trust?digest=0', 400, 'bad_request', 'digest must be the 64 hex digits'],
    ['POST /v1/intakes/A/deliveries', {}, 400, 'bad_request', 'name is no name'],
    [
      'GET /v1/trust',
      200,
      [
        { project: 'demo', state: 'trusted' },
        { project: 'plain', by: 'api' },
      ],
    ],
    ['GET /v1/trust/plain', 200, { state: 'trusted', changes: [], problem: null }],
    ['GET /v1/trust/nope', 404, 'repo_not_found'],
    ['POST /v1/trust/look', { path: plain }, 200, { project: 'plain', state: 'trusted', may_act: true }],
    ['POST /v1/trust/look', { path: risky, way: 'run' }, 200, { state: 'new', may_act: false }],
    ['POST /v1/trust/look', { path: join(started.root, 'absent') }, 400, 'bad_repo'],
    ['DELETE /v1/trust/nope', 404, 'repo_not_found'],
    ['DELETE /v1/trust/plain', 200, { status: 'revoked', project: 'plain' }],
    ['POST /v1/repos/plain/pause', 200, { status: 'paused' }],
    ['POST /v1/repos/nope/pause', 404, 'repo_not_found'],
    ['POST /v1/repos/plain/resume', 200, { status: 'resumed' }],
    ['POST /v1/repos/nope/resume', 404, 'repo_not_found'],
    ['DELETE /v1/repos/nope', 404, 'repo_not_found'],
    ['DELETE /v1/repos/demo', 409, 'conflict'],
    [`DELETE /v1/repos/${encodeURIComponent(plain)}`, 200, { status: 'removed', project: 'plain' }],
    ['POST /v1/reload', 200, { status: 'reloaded' }],

    [
      'POST /v1/check',
      { content: '## Wave 1\n\n### Task 1: a\n\n### Task 1: b\n' },
      200,
      expect.objectContaining({ ok: false, problems: [expect.objectContaining({ line: 5 })] }),
    ],
    [
      'POST /v1/check',
      { content: '### Task 1: a\n\n**Depends on:** Task 9\n\n### Task 2: b\n' },
      200,
      expect.objectContaining({ ok: false, problems: [expect.objectContaining({ line: 3 })] }),
    ],
    [
      'POST /v1/check',
      { content: '## Phase 1\n\n- [ ] a\n- [ ] b\n' },
      200,
      expect.objectContaining({
        waves: [
          { number: 1, line: 1, tasks: [expect.objectContaining({ line: 3 }), expect.objectContaining({ line: 4 })] },
        ],
      }),
    ],
    ['POST /v1/check', { content: 'a\u0000b' }, 400, 'bad_plan'],
    ['GET /v1/plans', 200, expect.arrayContaining([expect.objectContaining({ plan: 'busy' })])],
    ['GET /v1/plans?projct=demo', 400, 'bad_request', '"projct"', 'project?'],
    ['GET /v1/plans?project=demo&project=shop', 400, 'bad_request', '"project"'],
    ['GET /v1/plans?project=%ff', 400, 'bad_request'],
    ['GET /v1/plans?project=nope', 200, []],
    ['GET /v1/repos/demo/plans', 200],
    ['GET /v1/repos/nope/plans', 404, 'repo_not_found'],
    [
      'POST /v1/repos/demo/plans',
      { plan: 'new', content: planText(['true']) },
      201,
      { status: 'ready', phase: 'planned' },
    ],
    ['POST /v1/repos/demo/plans', { plan: 'new', content: '' }, 409, 'conflict'],
    ['POST /v1/repos/demo/plans', { plan: 'Not A Name', content: '' }, 400, 'bad_request'],
    ['POST /v1/repos/nope/plans', { plan: 'a', content: '' }, 404, 'repo_not_found'],
    ['POST /v1/repos/demo/plans', { plan: 'big', content: 'x'.repeat(1_100_000) }, 400, 'bad_plan'],
    ['POST /v1/repos/demo/plans', 'x'.repeat(3_200_000), 413, 'too_large'],
    ['GET /v1/repos/demo/plans/finished', 200, { status: 'done' }],
    ['GET /v1/repos/demo/plans/absent', 404, 'plan_not_found'],
    [
      'PUT /v1/repos/demo/plans/planned/file',
      { file: 'README.md', content: 'hello\n' },
      200,
      { file: 'README.md', file_digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ],
    ['PUT /v1/repos/demo/plans/planned/file', { file: 'other.md', content: 'hello\n' }, 409, 'conflict'],
    ['PUT /v1/repos/demo/plans/absent/file', { file: 'a.md', content: '' }, 404],
    ['PUT /v1/repos/demo/plans/planned/content', { content: planText(['true']), file: 'other.md' }, 409, 'conflict'],
    ['PUT /v1/repos/demo/plans/new/content', { content: planText(['false']) }, 200, { signal: { status: 'done' } }],
    [
      'PUT /v1/repos/demo/plans/busy/content',
      { content: planText(['no']) },
      409,
      { code: 'refused', signal: { status: 'failed' } },
    ],
    ['PUT /v1/repos/demo/plans/absent/content', { content: '' }, 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/leftovers', 200],
    ['GET /v1/repos/demo/plans/absent/leftovers', 404, 'plan_not_found'],
    ['DELETE /v1/repos/demo/plans/busy', 409, 'conflict'],
    ['DELETE /v1/repos/demo/plans/new', 200, { status: 'deleted', plan: 'new' }],
    ['DELETE /v1/repos/demo/plans/new', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/history', 200],
    ['GET /v1/repos/demo/plans/finished/history?after=x', 400, 'bad_request', 'after'],
    ['GET /v1/repos/demo/plans/finished/history?after=999999', 200, []],
    ['GET /v1/repos/demo/plans/absent/history', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/trace', 200],
    ['GET /v1/repos/demo/plans/absent/trace', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/busy/explain', 200, { waiting_for: { kind: 'agent' } }],
    ['GET /v1/repos/demo/plans/absent/explain', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/replay', 200, { status: 'done' }],
    ['GET /v1/repos/demo/plans/finished/replay?to=0', 404, 'not_found'],
    ['GET /v1/repos/demo/plans/finished/replay?at=noon', 400],
    ['GET /v1/repos/demo/plans/absent/replay', 404, 'plan_not_found'],
    ['POST /v1/repos/demo/plans/finished/what-if', {}, 200, { plan: 'finished' }],
    ['POST /v1/repos/demo/plans/absent/what-if', {}, 404, 'plan_not_found'],
    ['POST /v1/repos/demo/plans/finished/what-if', { from: 1_000_000 }, 400, 'bad_request'],
    ['GET /v1/repos/demo/plans/finished/verify', 200, { ok: true, checked: 1 }],
    ['GET /v1/repos/demo/plans/absent/verify', 404, 'plan_not_found'],
    ['GET /v1/verify', 200, { differs: [] }],
    ['GET /v1/repos/demo/past', 200, { project: 'demo' }],
    ['GET /v1/repos/nope/past', 404, 'repo_not_found'],
    [
      'GET /v1/repos/demo/plans/busy/states',
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
    ['GET /v1/repos/demo/plans/absent/states', 404, 'plan_not_found'],
    [`GET /v1/repos/demo/plans/busy/states?at=${begun}`, 200, { seq: begun, actors: [{ actor: '' }] }],
    ['POST /v1/repos/demo/plans/finished/push', 200],
    ['POST /v1/repos/demo/plans/absent/push', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/planned/prompt', 200, { role: 'coder' }],
    ['GET /v1/repos/demo/plans/absent/prompt', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/diff', 200, { task: null, files_left_out: 0 }],
    ['GET /v1/repos/demo/plans/finished/diff?at=2100-01-01T00:00:00Z', 200, { task: null, files_left_out: 0 }],
    ['GET /v1/repos/demo/plans/finished/diff?to=9&at=2100-01-01T00:00:00Z', 400],
    ['GET /v1/repos/demo/plans/planned/diff', 409, 'conflict'],
    ['GET /v1/repos/demo/plans/absent/diff', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/comments', 200],
    ['GET /v1/repos/demo/plans/absent/comments', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/diff/files?after=0', 200, { task: null, since: null, next: null }],
    ['GET /v1/repos/demo/plans/absent/diff/files', 404, 'plan_not_found'],
    ['GET /v1/repos/demo/plans/finished/diff/files?task=w1-t1&since=1', 400, 'bad_request'],
    ['GET /v1/repos/demo/plans/finished/diff/files?to=9&at=2100-01-01T00:00:00Z', 400],
    ['GET /v1/repos/demo/plans/finished/diff/file?path=a.txt&to=9&at=2100-01-01T00:00:00Z', 400],
    [
      `GET /v1/repos/demo/plans/finished/diff/file?${new URLSearchParams({ path: 'a.txt' })}`,
      200,
      { path: 'a.txt', next: null },
    ],
    ['GET /v1/repos/demo/plans/finished/diff/file?path=no%0Asuch', 404, 'not_found'],
    ['GET /v1/repos/demo/plans/finished/diff/file', 400, 'bad_request'],

    [
      'GET /v1/repos/demo/tasks',
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
    ['GET /v1/repos/nope/tasks', 404, 'repo_not_found'],
    [
      'GET /v1/repos/demo/live-status?cap=1',
      200,
      {
        schema_version: 2,
        daemon_running: true,
        lifecycle: { ready: 2, implementing: 1, total: 3 },
        active_agents: [{ task: 'busy', role: 'coder', wave: 1, task_number: 1, stage: 'running' }],
        truncated: { tasks: 2 },
      },
    ],
    ['GET /v1/repos/demo/live-status?cap=many', 400, ofKasmos.noCap],
    ['GET /v1/repos/nope/live-status', 404, 'repo_not_found'],
    [
      'POST /v1/repos/demo/plans/draft/implement',
      409,
      { ...ofKasmos.notPlanned, code: 'refused', signal: { status: 'failed' } },
    ],
    ['POST /v1/repos/demo/plans/absent/implement', 404, 'plan_not_found'],
    [
      'POST /v1/repos/demo/plans/draft/plan',
      { prompt: 'log in', program: '' },
      409,
      { signal: { type: 'plan_start' } },
    ],
    ['POST /v1/repos/demo/plans/planned/plan', { program: 'claude' }, 400, 'bad_request', '[agents.planner]'],
    ['POST /v1/repos/demo/plans/planned.md/plan', 202, { status: 'accepted', filename: 'planned', notes: [] }],
    ['POST /v1/repos/demo/plans/planned/plan', { prompt: 'log in' }, 202, { notes: [expect.any(String)] }],

    ['POST /v1/repos/demo/preview', { plan: 'busy', type: 'cancel' }, 200, { act: 'cancel', accepted: true }],
    ['POST /v1/repos/demo/signals', { plan: 'draft', type: 'pause' }, 200, { signal: { status: 'done' } }],
    [
      'POST /v1/repos/demo/signals',
      { plan: 'draft', type: 'resume', wait_ms: 0 },
      202,
      { signal: { status: 'pending' } },
    ],
    [
      'POST /v1/repos/demo/signals',
      { plan: 'busy', type: 'review_approved' },
      409,
      { code: 'refused', signal: { refused: { by: 'plan' } } },
      'cancel',
    ],
    ['POST /v1/repos/demo/signals', { plan: 'busy', type: 'puase' }, 400, 'unknown_signal'],
    ['POST /v1/repos/demo/signals', { plan: 'busy', type: 'run_exited' }, 409, 'not_allowed'],
    ['POST /v1/repos/demo/signals', { plan: 'busy', type: 'needs_decision' }, 400, 'bad_payload'],
    ['POST /v1/repos/demo/signals', { plan: 'absent', type: 'pause' }, 404, 'plan_not_found'],
    ['POST /v1/repos/demo/signals', '{', 400, 'bad_request'],
    [
      'POST /v1/repos/demo/signals\ncontent-type: application/x-www-form-urlencoded',
      '{"plan": "absent", "type": "pause"}',
      415,
      'unsupported_media_type',
    ],
    ['POST /v1/repos/demo/signals\ncontent-type: text/plain', '{}', 415, 'unsupported_media_type', 'text/plain'],
    ['POST /v1/repos/demo/signals', `${'['.repeat(500)}${']'.repeat(500)}`, 400, 'bad_request', '64'],
    ['POST /v1/repos/demo/signals', '[]', 400, 'bad_request'],
    ['PUT /v1/repos/demo/plans/draft/file', '{"file": "\\ud800", "content": "x"}', 400, 'bad_request'],
    ['POST /v1/repos/demo/signals\nauthorization: Bearer nobody', { plan: 'busy', type: 'pause' }, 401, 'unauthorized'],
    ['GET /v1/repos/demo/signals?plan=finished&status=done', 200],
    ['GET /v1/repos/demo/signals?plan=nope', 200, []],
    ['GET /v1/repos/nope/signals', 404, 'repo_not_found'],
    [`GET /v1/repos/demo/signals/${encodeURIComponent(id)}`, 200, { id }],
    ['GET /v1/repos/demo/signals/999999', 404, 'not_found'],
    ['GET /v1/repos/demo/signals/x', 400, 'bad_request', 'id'],
    ['GET /v1/signals', 200],
    ['GET /v1/signals?status=lost', 400, 'bad_request'],
    [`GET /v1/signals/${encodeURIComponent(id)}`, 200, { id }],
    ['GET /v1/signals/999999', 404, 'not_found'],
    [`POST /v1/signals/${encodeURIComponent(refusedWord.signal.id)}/retry`, 200, { signal: { status: 'failed' } }],
    [`POST /v1/signals/${encodeURIComponent(id)}/retry`, 409, 'conflict'],
    ['POST /v1/signals/999999/retry', 404, 'not_found'],

    ['GET /v1/instances?plan=busy', 200, [{ title: 'busy-w1-t1', state: 'running' }]],
    ['GET /v1/instances?live=1', 200, [{ title: 'busy-w1-t1', state: 'running' }]],
    ['GET /v1/instances?project=nope', 200, []],
    ['GET /v1/repos/demo/instances', 200],
    ['GET /v1/repos/demo/words', 200, []],
    ['GET /v1/repos/nope/instances', 200, []],
    ['GET /v1/repos/demo/instances/busy-w1-t1/capture', 200],
    ['GET /v1/repos/demo/instances/absent/capture', 404, 'not_found'],
    ['GET /v1/repos/demo/instances/busy-w1-t1/logs', 200],
    ['GET /v1/repos/demo/instances/absent/logs', 404, 'not_found'],
    ['GET /v1/repos/demo/instances/busy-w1-t1/capture?start=5', 400, 'bad_request', 'start'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/send', { message: 'hello' }, 204],
    ['GET /v1/repos/demo/words?title=busy-w1-t1', 200, [{ text: 'hello' }]],
    ['GET /v1/repos/demo/words?title=finished-w1-t1', 200, []],
    ['POST /v1/repos/demo/instances/busy-w1-t1/send', {}, 400, 'bad_request', 'message', 'prompt'],
    [
      'POST /v1/repos/demo/instances/busy-w1-t1/send',
      { prompt: 'a', image_paths: [] },
      400,
      'bad_request',
      '"image_paths"',
    ],
    ['POST /v1/repos/demo/instances/finished-w1-t1/send', { prompt: 'hello' }, 409, { signal: { type: 'agent_send' } }],
    ['POST /v1/repos/demo/instances/absent/send', { prompt: 'a' }, 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/type', { text: 'hello' }, 409, { signal: { type: 'agent_type' } }],
    [
      'POST /v1/repos/demo/instances/busy-w1-t1/type',
      { text: 'hello', key: 'enter' },
      400,
      'bad_request',
      'text',
      'key',
    ],
    ['POST /v1/repos/demo/instances/absent/type', { key: 'enter' }, 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/pause', 200, { status: 'ok', signal: { type: 'agent_pause' } }],
    ['POST /v1/repos/demo/instances/finished-w1-t1/pause', 409, 'refused'],
    ['POST /v1/repos/demo/instances/absent/pause', 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/resume', 200, { status: 'ok' }],
    ['POST /v1/repos/demo/instances/finished-w1-t1/resume', 409, 'refused'],
    ['POST /v1/repos/demo/instances/absent/resume', 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/allow', {}, 409, 'refused'],
    ['POST /v1/repos/demo/instances/absent/allow', {}, 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/allow', { permission: '../x' }, 400, 'bad_request', 'permission'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/deny', { message: 'no' }, 409, 'refused'],
    ['POST /v1/repos/demo/plans/busy/permissions', { id: '9f3a1c2e', tool: 'Bash', detail: 'ls' }, 409, 'not_allowed'],
    ['DELETE /v1/repos/demo/plans/busy/permissions/9f3a1c2e', 409, 'not_allowed'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/permission', { choice: 0 }, 409, 'refused'],
    ['POST /v1/repos/demo/instances/absent/permission', { choice: 2 }, 404, 'not_found'],
    // It runs now, and not on a day to come.
    ['GET /v1/work?from=2999-01-01T00:00:00Z&to=2999-01-02T00:00:00Z', 200, { runs: [] }],
    ['GET /v1/repos/demo/instances/busy-w1-t1/presentation', 200, { supported: false, turns: null }],
    ['GET /v1/repos/demo/instances/absent/presentation', 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/restart', 200, { status: 'ok' }],
    ['POST /v1/repos/demo/instances/finished-w1-t1/restart', 409, 'refused'],
    ['POST /v1/repos/demo/instances/absent/restart', 404, 'not_found'],
    ['POST /v1/repos/demo/instances/busy-w1-t1/kill', 200, { status: 'ok', signal: { status: 'done' } }],
    ['POST /v1/repos/demo/instances/finished-w1-t1/kill', 200, { status: 'ok', signal: { status: 'failed' } }],
    ['POST /v1/repos/demo/instances/absent/kill', 404, 'not_found'],

    ['GET /v1/queue', 200],
    ['GET /v1/queue?plan=nope', 200, []],
    ['GET /v1/queue/stats', 200, { paused: false, max_agents: 3 }],
    ['GET /v1/queue/stats?project=nope', 200, { total: 0 }],
    ['POST /v1/queue/pause', 200, { status: 'paused', changed: true }],
    ['POST /v1/queue/pause', 200, { status: 'paused', changed: false }],
    ['POST /v1/repos/demo/plans/planned/implement', 202, { status: 'accepted', project: 'demo', filename: 'planned' }],
    ['GET /v1/queue/stats', 200, { paused: true }],
    ['POST /v1/queue/resume', 200, { status: 'resumed', changed: true }],
    ['POST /v1/queue/clear', 200, { status: 'cleared' }],
    ['GET /v1/forges', 200, []],
    ['GET /v1/accounts', 200, []],
    ['GET /v1/work?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z', 200, { is_cut: false }],
    ['GET /v1/work?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 400, 'bad_request'],
    ['GET /v1/intakes', 200, [{ name: 'inbox', source: 'folder', enabled: false, taken: 0 }]],
    ['GET /v1/intakes/inbox', 200, { name: 'inbox', items: [] }],
    ['GET /v1/intakes/none', 404, 'not_found'],
    ['GET /v1/intakes/inbox/try', 200, { name: 'inbox', room: 3, items: [] }],
    ['GET /v1/intakes/none/try', 404, 'not_found'],
    ['POST /v1/intakes/inbox/deliveries', 401, 'unauthorized'],
    ['DELETE /v1/intakes/inbox/deliveries', 200, { name: 'inbox', items: [] }],
    ['DELETE /v1/intakes/none/deliveries', 404, 'not_found'],
    ['POST /v1/repos/demo/notes', { text: 'slow tests' }, 200, { id: 1, state: 'taken' }],
    ['POST /v1/repos/nope/notes', { text: 'x' }, 404, 'repo_not_found'],
    ['POST /v1/repos/demo/notes', { text: ' ' }, 400, 'bad_request', 'text'],
    ['POST /v1/repos/demo/plans/busy/notes', { text: 'slow checks' }, 200, { id: 2, author: 'person', plan: null }],
    ['GET /v1/notes?state=taken', 200, [{ id: 1 }, { id: 2 }]],
    ['GET /v1/notes?state=open', 400, 'bad_request'],
    ['GET /v1/repos/demo/notes/1', 200, { text: 'slow tests' }],
    ['GET /v1/repos/demo/notes/9', 404, 'not_found'],
    ['POST /v1/repos/demo/notes/1/refuse', {}, 200, { state: 'refused' }],
    ['GET /v1/notes?state=taken', 200, [{ id: 2 }]],
    ['GET /v1/notes?project=nope', 200, []],
    ['POST /v1/repos/demo/notes/9/refuse', {}, 404, 'not_found'],
    ['POST /v1/repos/demo/notes/1/take', {}, 200, { state: 'taken' }],
    ['POST /v1/repos/demo/notes/9/take', {}, 404, 'not_found'],
    ['DELETE /v1/repos/demo/notes/1', 200, { state: 'forgotten', text: '' }],
    ['DELETE /v1/repos/demo/notes/9', 404, 'not_found'],
    ['GET /v1/landings', 200, []],
    ['GET /v1/repos/demo/landing', 404, 'not_found'],
    ['POST /v1/repos/demo/landing/pause', {}, 404, 'not_found'],
    ['POST /v1/repos/demo/landing/resume', { branch: 'main' }, 404, 'not_found'],
    ['POST /v1/repos/demo/landing/first', { plan: 'nope' }, 409, 'conflict'],
    ['POST /v1/repos/demo/landing/remove', { plan: 'nope' }, 409, 'conflict'],
    ['GET /v1/hosts', 200, []],
    ['GET /v1/hosts/a', 404, 'not_found'],
    ['POST /v1/hosts/a/drain', 409, 'conflict'],
    ['DELETE /v1/hosts/a', 409, 'conflict'],
    ['GET /v1/notifications?all=true', 200],
    ['GET /v1/notifications?all=true&project=nope', 200, []],
    ['GET /v1/notifications?all=yes', 400, 'bad_request'],
    ['POST /v1/notifications/clear', 200, { status: 'read' }],
    ['GET /v1/schedules', 200, []],
    [
      'GET /v1/machines',
      200,
      ['supervisor', 'repo', 'landing', 'plan', 'wave', 'task', 'agent', 'release'].map((name) => ({ name })),
    ],
    ...ofMcp,
    ...ofOwnMachine,
    ['GET /v1/machines/task', 200],
    ['GET /v1/machines/engine', 404, 'not_found'],
    ['POST /v1/gc', { dry: true }, 200, { dry: true, items: expect.any(Array), notes: [] }],
    ['POST /v1/gc', { overrides: ['everything'] }, 400, 'bad_request'],
    ['POST /v1/gc', { everything: true, dry: true }, 200, { dry: true, notes: [] }],
    ['POST /v1/gc', { everything: true }, 409, 'conflict'],
    ['POST /v1/repair', { dry: true }, 200],
    ['POST /v1/repair', { dry: 'yes' }, 400, 'bad_request'],
    ['GET /v1/machines/task?format=svg', 200],
    ['GET /v1/machines/task?format=png', 400, 'bad_request'],
    ['GET /v1/machines/task?theme=dark', 400, 'bad_request'],
    ['GET /v1/machines/task?format=svg&plan=p', 400, 'bad_request'],
    ['GET /v1/machines/task?format=svg&tree=1', 404, 'machine_unknown'],
    ['GET /v1/machines/task?format=svg&tree=1&plan=p', 400, 'bad_request'],
    ['GET /v1/machines/task?format=svg&project=demo&plan=nope', 404, 'plan_not_found'],
    ['GET /v1/events?since=x', 400, 'bad_request', 'since'],
  ]);
  openGate(go);
  await untilStatus(started, 'planned', 'done');

  await client.send({ project: 'demo', plan: 'finished', type: 'land' });
  await until(async () => (await client.plan('demo', 'finished')).landing === 'merged');
  await play([['POST /v1/repos/demo/landing/pause', {}, 200, { branch: 'main', paused: true }]]);
  await client.send({ project: 'demo', plan: 'planned', type: 'land' });
  await until(async () => (await client.landing({ project: 'demo' })).line.length === 1);
  const waits = { branch: 'main', state: 'empty', paused: true, current: [], line: [{ plan: 'planned' }] };
  await play([
    ['GET /v1/landings?project=demo', 200, [waits]],
    ['GET /v1/repos/demo/landing', 200, waits],
    ['GET /v1/repos/demo/landing?branch=other', 404, 'not_found'],
    ['POST /v1/repos/demo/landing/first', { plan: 'planned' }, 200, waits],
    ['POST /v1/repos/demo/landing/remove', { plan: 'planned' }, 200, { line: [] }],
    ['POST /v1/repos/demo/landing/resume', { branch: 'main' }, 200, { paused: false }],
  ]);

  const hooked = another(started, 'hooked', '[[hooks]]\ntype = "command"\nname = "tell"\ncommand = "true"\n');
  await client.addRepo(hooked, { trust: true });
  await register(started, 'told', planText(['true']), 'hooked');
  await register(started, 'idea', '# An idea\n', 'hooked');
  await client.send({ project: 'hooked', plan: 'told', type: 'cancel' });
  const delivered = () => client.deliveries({ project: 'hooked', state: 'delivered' });
  await until(async () => (await delivered()).length === 1);
  const [told] = await delivered();
  const delivery = { id: told?.id ?? '' };
  await play([
    ['GET /v1/hooks?project=hooked', 200, [{ hook: 'tell', state: 'on', delivered: 1, dead: 0 }]],
    ['GET /v1/hooks/deliveries?hook=tell&plan=told&limit=1', 200, [{ ...delivery, event: 'cancel' }]],
    ['GET /v1/hooks/deliveries?hook=other', 200, []],
    ['GET /v1/hooks/deliveries?project=demo', 200, []],
    ['GET /v1/hooks/deliveries?plan=idea', 200, []],
    ['GET /v1/landings?project=hooked', 200, []],
    ['GET /v1/hooks/deliveries?state=done', 400, 'bad_request'],
    [`GET /v1/hooks/deliveries/${delivery.id}`, 200, { ...delivery, last_status: 0, sequence: 1 }],
    ['GET /v1/hooks/deliveries/msg_none', 404, 'not_found'],
    [`POST /v1/hooks/deliveries/${delivery.id}/redeliver`, 200, { ...delivery, state: 'pending' }],
    ['POST /v1/hooks/deliveries/msg_none/redeliver', 404, 'not_found'],
    ['POST /v1/repos/hooked/hooks/tell/disable', 200, { status: 'disabled', changed: true }],
    ['POST /v1/repos/hooked/hooks/tell/disable', 200, { status: 'disabled', changed: false }],
    ['POST /v1/repos/hooked/hooks/tell/enable', 200, { status: 'enabled', changed: true }],
    ['POST /v1/repos/hooked/hooks/tel/enable', 404, 'not_found'],
    ['POST /v1/repos/hooked/hooks/tell/test', 200, { delivered: true, status: 0 }],
    ['POST /v1/repos/hooked/plans/told/solo', 409, 'conflict'],
    [
      'POST /v1/repos/hooked/plans/idea/solo',
      { prompt: '```sh\ntrue\n```' },
      200,
      { plan: { status: 'implementing' } },
    ],
    ['POST /v1/repos/nope/hooks/tell/test', 404, 'repo_not_found'],
  ]);

  // A forge that takes anybody, and a repo that has a remote there.
  const forge = await startForge('forgejo', { token: null, owner: 'acme', name: 'shop' });
  afterwards(() => forge.stop());
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
  const pull = `${forge.url}/acme/shop/pulls/1`;
  const at = '2026-01-02T03:04:05Z';
  const earlier = { created_at: at, done: true, notifications: [] };
  const said = { by: 'person', content: 'do it', at };
  await play([
    ['POST /v1/issues/start', { ...issue, message: 'x', pull_request: 'x' }, 400, 'usage'],
    ['POST /v1/issues/start', { reference: 'acme/other#1', message }, 404, 'not_found'],
    ['POST /v1/issues/start', { ...issue, message }, 200, { status: 'started', session: { branch: 'fix/issue-12' } }],
    ['POST /v1/issues/start', { ...issue, message }, 409, 'conflict'],
    ['POST /v1/issues/continue', { ...issue, message: 'and more', queue: true }, 200, { notes: [] }],
    ['POST /v1/issues/enqueue', { ...issue, message: 'and still more' }, 200, { notes: [] }],
    ['POST /v1/delegate', { message: `see ${issue.reference}, please` }, 200, { notes: [] }],
    ['POST /v1/delegate', { message: 'no issue and no repo' }, 400, 'usage'],
    ['POST /v1/delegate', { message: 'no issue', project: 'nope' }, 404, 'repo_not_found'],
    ['GET /v1/issues?project=shop', 200, [{ ...issue, title: 'The basket is empty' }]],
    ['GET /v1/issues?project=demo', 200, []],
    [`GET /v1/issues/context?reference=${encodeURIComponent(issue.reference)}`, 200, issue],
    ['POST /v1/issues/set-pr', { ...issue, url: pull }, 200, { pull_request: pull }],
    ['POST /v1/issues/set-pr', { ...issue, url: 'https://forge.test/a/b/pull/1' }, 404, 'not_found'],
    ['POST /v1/issues/comment', { ...issue, text: 'On it.' }, 200, { status: 'commented' }],
    ['POST /v1/issues/destroy', { ...issue, overrides: ['running', 'unpushed'] }, 409, 'refused'],
    ['POST /v1/issues/destroy', { ...issue, force: true }, 200, { status: 'destroyed' }],
    ['POST /v1/issues/destroy', { ...issue, force: true }, 404, 'not_found'],
    ['POST /v1/issues/prune', { dry: true }, 200, { destroyed: [], kept: [] }],
    ['POST /v1/issues/import', { ...issue, ...earlier, messages: [said] }, 200, { status: 'imported' }],
    ['POST /v1/issues/import', { ...issue, ...earlier, messages: [said] }, 200, { status: 'known' }],
    [
      'POST /v1/repos/hooked/instances/solo',
      { title: 'night', prompt: 'do it\n\n```sh\ntrue\n```' },
      202,
      { title: 'night-session' },
    ],
  ]);
  expect(forge.state.issues.get(12)?.comments.map(({ body }) => body)).toEqual(['On it.']);

  // An agent that waits for a line in its terminal.
  const config =
    '[agents.default]\npreset = "sh"\n[agents.coder]\nterminal = true\n[agents.reviewer]\nenabled = false\n';
  const typed = another(started, 'typed', config);
  await client.addRepo(typed, { trust: true });
  await begin(started, 'asks', planText(['read -r line; echo "$line" > line.txt']), 'typed');
  await until(async () => (await client.instances({ plan: 'asks' }))[0]?.takes_input === true);
  await play([
    [
      'POST /v1/repos/typed/instances/asks-w1-t1/type',
      { text: 'hello' },
      200,
      { signal: { type: 'agent_type', status: 'done' } },
    ],
  ]);
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
  const params = { project: 'demo', title: 'talks-w1-t1' };
  const capture = async (query: string) =>
    (await ask(started.engine, 'GET /v1/repos/:project/instances/:title/capture', { params, query })).text;
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

it('a bug of a route is answered with 500 and an id that is in the log, and the engine goes on', async () => {
  let isBroken = false;
  let broken: Error = Object.assign(new Error('EMFILE: too many open files, open x'), { code: 'EMFILE' });
  const nowMs = () => {
    if (isBroken) throw broken;
    return Date.now();
  };
  const started = await startEngine({ clock: { nowMs } });
  isBroken = true;
  expect((await ask(started.engine, 'GET /v1/status')).status).toBe(503); // no bug
  broken = new Error('the clock has stopped');
  const answer = await started.engine.fetch(new Request('http://stator/v1/status'));
  isBroken = false;
  expect(answer.status).toBe(500);
  const body: unknown = await answer.json();
  const [id = 'none'] = /[0-9a-f-]{36}/.exec(JSON.stringify(body)) ?? [];
  expectAnswer(body, 'internal', id);
  expect(started.log.some((line) => line.includes(id) && line.includes('the clock has stopped'))).toBe(true);
  expect((await ask(started.engine, 'GET /v1/status')).status).toBe(200);
});
