/**
 * The features of kasmos that users, agents and scripts rely on; each line of a table is a test. docs/importing.md lists what has no counterpart,
 * with the reason.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvalOf } from '../../machines/plan/context.ts';
import { type SignalType, signals, signalTypeOf } from '../../machines/vocabulary/signal.ts';
import { tools } from '../../runtime/api/mcp/server.ts';
import { kasmosHooks } from '../../runtime/base/config/kasmos.ts';
import { createEngine, type Engine } from '../../runtime/engine/engine.ts';
import { fileFor, readFileName } from '../../runtime/work/signal-files/file-name.ts';
import { daemonOf, errorOf } from '../support/config.ts';
import { gate, openGate, planText, untilFile, waves } from '../support/engine.ts';
import { type Ground, makeGround, until } from '../support/ground.ts';
import { copyOf, worldOf, worldsByState } from '../support/plan-states.ts';
import { sha } from '../support/simulation.ts';

const withoutEqual = readFileSync(join(import.meta.dirname, '../../docs/importing.md'), 'utf8').split(
  '## Without an equal',
)[1];

function cellsOf(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
}

describe('a transition', () => {
  /** The state of a plan with that status while no agent works on it. */
  const places: Record<string, string> = {
    ready: 'ready.planned',
    planning: 'planning.working',
    implementing: 'underway.implementing.single.stuck',
    reviewing: 'underway.reviewing.working',
    verifying: 'underway.verifying.working',
    done: 'done',
    cancelled: 'cancelled.ended',
  };
  const statusOf = (lifecycle: string) => lifecycle.replace(/^underway\./, '').split('.')[0];
  const rows = cellsOf(`
    ready         plan_start                planning
    ready         implement_start           implementing
    ready         mark_done                 done
    ready         cancel                    cancelled
    planning      plan_start                planning
    planning      cancel                    cancelled
    implementing  implement_finished        reviewing
    implementing  cancel                    cancelled
    reviewing     review_approved           verifying
    reviewing     review_changes_requested  implementing
    reviewing     cancel                    cancelled
    verifying     verify_approved           done
    verifying     verify_failed             implementing
    verifying     cancel                    cancelled
    done          start_over                planning
    done          reimplement               implementing
    done          request_review            reviewing
    done          cancel                    cancelled
    cancelled     reopen                    planning
  `);
  it.each(rows)('%s, %s: %s', (from, event, to) => {
    const world = worldsByState[places[from ?? ''] ?? '']?.();
    if (world === undefined) throw new Error(`no plan is ${from}`);
    expect(statusOf(copyOf(world).send(event as SignalType, {}))).toBe(to);
  });

  it('planning, planner_finished: ready, in phase planned', () => {
    const world = worldOf({ rest: { auto_advance: false } });
    world.person('plan_start');
    world.drain();
    expect(copyOf(world).send('planner_finished', {})).toBe('ready.planned');
  });

  it('done, verification_stale, from the engine alone: verifying', () => {
    const world = worldsByState['underway.verifying.working']?.() ?? worldOf();
    world.person('verify_approved', { reviewed_sha: sha(0) });
    expect(approvalOf(world.context())?.sha).toBe(sha(0));
    const stale = copyOf(world).send('verification_stale', { head: sha(5) }, { origin: 'engine' });
    expect(stale).toBe('underway.verifying.working');
    expect(signals.verification_stale.from).toEqual([]);
  });

  const refusedEvents = cellsOf(`
    ready         implement_finished
    ready         reopen
    planning      implement_start
    implementing  review_approved
    reviewing     verify_approved
    verifying     review_approved
    done          plan_start
    cancelled     implement_start
  `);
  it.each(refusedEvents)('%s, %s: refused', (from, event) => {
    const world = worldsByState[places[from ?? ''] ?? '']?.() ?? worldOf();
    expect(copyOf(world).send(event as SignalType, {})).toMatch(/^refused/);
  });

  it.each(['start_over', 'reimplement', 'request_review', 'cancel', 'reopen', 'mark_done'] as const)(
    '%s is taken from no agent and no file',
    (type) => expect(signals[type].from).toEqual(['person', 'machine']),
  );
});

describe('a flag of daemon.toml', () => {
  const flags = [
    ['auto_advance', true],
    ['auto_advance_waves', true],
    ['auto_review_fix', true],
    ['auto_readiness_review', true],
    ['auto_create_pr', true],
    ['max_review_fix_cycles', 3],
    ['readiness_self_fix_max_lines', 80],
    ['blueprint_skip_threshold', 2],
  ] as const;
  it.each(flags)('%s is %s by default, and is taken', (key, value) => {
    expect(daemonOf('').flags[key]).toBe(value);
    const other = typeof value === 'boolean' ? !value : value + 1;
    expect(daemonOf(`${key} = ${other}\n`).flags[key]).toBe(other);
  });

  it.each([
    'poll_interval_sec = 2.0',
    'readiness_max_verify_cycles = 2',
    '[pr_monitor]\nenabled = true\nreactions = ["eyes"]',
    '[pr_creator]\nretry_interval_sec = 120',
    '[linear_trigger_monitor]\npoll_interval_sec = 60',
  ])('%s is taken and has no effect', (line) => {
    const [key = ''] = line.split(/ =|\]/);
    const { notes } = daemonOf(`${line}\n`);
    expect(notes.join('\n')).toContain(key.replace('[', ''));
  });

  it('repos and socket_path are taken', () => {
    expect(daemonOf('repos = ["/src/shop"]\nsocket_path = "/run/x.sock"\n')).toMatchObject({ repos: ['/src/shop'] });
  });

  it('a key that neither has is refused with its line and the nearest', () => {
    expect(errorOf(() => daemonOf('\nauto_advanse = true\n'))).toMatchObject({ code: 'bad_config' });
  });
});

describe('a signal', () => {
  const good = [
    ['plan_start', {}],
    ['planner_finished', { body: 'it is planned' }],
    ['planner_draft_finished', { planner_id: 'a' }],
    ['implement_start', {}],
    ['implement_finished', {}],
    ['review_approved', {}],
    ['review_changes_requested', { body: 'no tests' }],
    ['review_changes', { body: 'no tests' }],
    ['verify_approved', { reviewed_sha: 'a'.repeat(40) }],
    ['readiness_approved', {}],
    ['master_approved', {}],
    ['verify_failed', { body: 'the build fails' }],
    ['readiness_changes', {}],
    ['readiness_changes_requested', {}],
    ['implement_task_finished', { wave_number: 1, task_number: 2 }],
    ['implement_wave', { wave_number: 1 }],
    ['retry_wave', {}],
    ['advance_wave', {}],
    ['elaborator_finished', {}],
    ['architect_finished', {}],
    ['needs_decision', { reason: 'which colour?' }],
    ['needs_input', { reason: 'which colour?' }],
    ['blocked', { reason: 'which colour?' }],
    ['needs_human', { body: 'which colour?' }],
  ] as const;
  it.each(good)('%s is known, also with hyphens, and takes %j', (name, payload) => {
    const type = signalTypeOf(name);
    expect(signalTypeOf(` ${name.replaceAll('_', '-')} `)).toBe(type);
    expect(signals[type ?? 'plan_start'].payload.safeParse(payload).success).toBe(true);
  });

  const wrong = [
    ['planner_draft_finished', { planner_id: ' ' }],
    ['implement_task_finished', { wave_number: 1 }],
    ['implement_task_finished', { wave_number: 0, task_number: 1 }],
    ['implement_wave', { wave_number: 1.5 }],
    ['elaborator_finished', { body: 'done' }],
    ['needs_decision', {}],
    ['verify_approved', { reviewed_sha: 'main' }],
  ] as const;
  it.each(wrong)('%s refuses %j', (name, payload) => {
    expect(signals[name].payload.safeParse(payload).success).toBe(false);
  });
});

describe('a sentinel file', () => {
  const rows = cellsOf(`
    planner-finished-shop               planner_finished          true   shop
    implement-finished-shop             implement_finished        true   shop
    review-approved-shop                review_approved           true   shop
    review-changes-shop                 review_changes_requested  true   shop
    review-changes-requested-x          review_changes_requested  true   requested-x
    implement-task-finished-w1-t2-shop  implement_task_finished   false  shop
    no-change-w1-t2-shop                implement_task_finished   true   shop
    no-change-shop                      implement_finished        true   shop
    implement-wave-2-shop               implement_wave            false  shop
    elaborator-finished-shop.md         elaborator_finished       false  shop
  `);
  it.each(rows)('%s says %s; its content counts: %s; of the plan %s', (name = '', type, counts, plan) => {
    const read = readFileName(name);
    expect([read?.type, String(read?.content !== null), read?.plans[0]]).toEqual([type, counts, plan]);
  });

  it.each([
    ['notes', 'implement-finished-notes'],
    ['notes.md', 'implement-finished-notes.md.md'],
    ['notes.txt', 'implement-finished-notes.txt'],
  ])('of the plan %s is written as %s, and read as its', (plan, name) => {
    expect(fileFor({ type: 'implement_finished', plan, payload: {} })).toEqual({ name, content: '' });
    expect(readFileName(name)?.plans[0]).toBe(plan);
  });

  it('that ends with .md may be of a plan whose name does', () => {
    expect(readFileName('review-changes-requested-x.md')?.plans).toEqual([
      'requested-x',
      'x',
      'requested-x.md',
      'x.md',
    ]);
  });

  it.each(['retry-wave-shop', 'verify-approved-shop', 'plan-start-shop', 'implement-wave-x-shop', 'README'])(
    '%s is not one',
    (name) => expect(readFileName(name)).toBeNull(),
  );
});

describe('a hook of .kasmos/config.toml', () => {
  const hookOf = (text: string) => kasmosHooks('config.toml', `[[hooks]]\n${text}\n`);
  const webhook = 'type = "webhook"\nurl = "https://example.com/x"\n';
  const rows = [
    ['type webhook, with its url', webhook, { type: 'webhook', url: 'https://example.com/x' }],
    ['headers', `${webhook}headers = { A = "b" }`, { headers: { A: 'b' } }],
    ['type command, with its command', 'type = "command"\ncommand = "make"', { type: 'command', command: 'make' }],
    ['type notify', 'type = "notify"', { type: 'notify' }],
    [
      'events',
      `${webhook}events = ["review-changes", "verify_approved"]`,
      { events: ['review_changes_requested', 'verify_approved'] },
    ],
    ['no events: every one', webhook, { events: [] }],
    ['an unknown event beside a known one', `${webhook}events = ["nonsense", "cancel"]`, { events: ['cancel'] }],
  ] as const;
  it.each(rows)('%s', (_, text, hook) => expect(hookOf(text).hooks).toMatchObject([{ hook }]));

  it('unknown events alone: it is off, with a note', () => {
    const { hooks, notes } = hookOf(`${webhook}events = ["nonsense"]`);
    expect([hooks, notes.join('\n')]).toEqual([[], expect.stringContaining('nonsense')]);
  });
});

describe('a route of the control API', () => {
  let ground: Ground;
  let engine: Engine;
  let other = '';
  const go = () => join(ground.root, 'go');

  beforeAll(async () => {
    ground = makeGround();
    mkdirSync(ground.home, { recursive: true, mode: 0o700 });
    writeFileSync(join(ground.home, 'daemon.toml'), waves);
    const agents = {
      default: { preset: 'sh', attempts: 1 },
      planner: { preset: 'command', program: 'cat; exit 0' },
    } as const;
    engine = await createEngine({ home: ground.home, env: ground.env, agents, graceMs: 500 });
    await engine.client.addRepo(ground.repo, { trust: true });
    other = join(ground.root, 'other');
    cpSync(ground.repo, other, { recursive: true });
    const begun = join(ground.root, 'begun');
    await engine.client.registerPlan({
      project: 'demo',
      plan: 'busy',
      content: planText([`echo x > '${begun}'; ${gate(go())}`]),
    });
    await engine.client.registerPlan({ project: 'demo', plan: 'next', content: planText(['echo a > a.txt']) });
    await engine.client.registerPlan({ project: 'demo', plan: 'idea', content: '# An idea\n' });
    await engine.client.send({ project: 'demo', plan: 'busy', type: 'implement_start' });
    await untilFile(begun);
    await until(async () => (await engine.client.instances({ plan: 'busy' }))[0]?.state === 'running');
  });

  afterAll(async () => {
    openGate(go());
    await engine.stop({ agents: 'stop' });
    ground.remove();
  });

  const anything = expect.anything();
  const agent = '/v1/repos/demo/instances/busy-w1-t1';
  /** In this order: route, body, status, and a part of the answer. */
  const rows: readonly (readonly [string, unknown, number, unknown?])[] = [
    ['GET /v1/ping', null, 200],
    [
      'GET /v1/status',
      null,
      200,
      { running: true, repo_count: 1, uptime: anything, repos: [{ project: 'demo', path: anything, active_plans: 1 }] },
    ],
    ['POST /v1/reload', {}, 200, { status: 'reloaded' }],
    ['GET /v1/repos', null, 200, [{ project: 'demo' }]],
    ['POST /v1/repos', {}, 400, { error: anything }],
    ['POST /v1/repos', { path: '<demo>' }, 409, { error: expect.stringContaining('repo already registered: ') }],
    ['POST /v1/repos', { path: '<other>' }, 201, { status: 'added', path: anything }],
    ['DELETE /v1/repos/other', null, 200, { status: 'removed', project: 'other' }],
    ['DELETE /v1/repos/other', null, 404, { error: anything }],
    ['GET /v1/repos/demo/plans', null, 200, anything],
    ['GET /v1/repos/nope/plans', null, 404],
    [
      'GET /v1/repos/demo/tasks',
      null,
      200,
      expect.arrayContaining([
        expect.objectContaining({
          filename: 'busy',
          status: 'implementing',
          branch: 'plan/busy',
          review_cycle: 0,
          execution_state: anything,
        }),
      ]),
    ],
    [
      'GET /v1/repos/demo/instances',
      null,
      200,
      [{ title: 'busy-w1-t1', project: 'demo', plan: 'busy', role: 'coder' }],
    ],
    ['GET /v1/repos/nope/instances', null, 200, []],
    ['GET /v1/repos/demo/live-status', null, 200, { schema_version: 2, lifecycle: { implementing: 1, ready: 2 } }],
    ['GET /v1/repos/demo/live-status?cap=1', null, 200, { truncated: { tasks: 2 } }],
    ['GET /v1/repos/demo/live-status?cap=x', null, 400, { error: expect.stringContaining('cap') }],
    ['GET /v1/repos/nope/live-status', null, 404],
    [`POST ${agent}/resume`, {}, 409],
    [`POST ${agent}/pause`, {}, 200, { status: 'ok' }],
    [`POST ${agent}/pause`, {}, 409],
    [`POST ${agent}/resume`, {}, 200, { status: 'ok' }],
    ['POST /v1/repos/demo/instances/nobody/pause', {}, 404],
    [`GET ${agent}/capture?start=-50&end=0`, null, 200],
    ['GET /v1/repos/demo/instances/nobody/capture', null, 404],
    [`POST ${agent}/send`, { prompt: 'go on' }, 204],
    ['POST /v1/repos/demo/instances/nobody/send', { prompt: 'go on' }, 404],
    [
      'POST /v1/repos/demo/plans/idea.md/implement',
      {},
      409,
      { error: 'task is not yet planned: run plan_start first to create a planning session' },
    ],
    [
      'POST /v1/repos/demo/plans/idea.md/plan',
      { prompt: 'make it blue' },
      202,
      { status: 'accepted', project: 'demo', filename: 'idea' },
    ],
    ['POST /v1/repos/demo/plans/idea/plan', 'no object', 400],
    ['POST /v1/repos/demo/plans/next/implement', {}, 202, { status: 'accepted', project: 'demo', filename: 'next' }],
    ['POST /v1/repos/demo/plans/idea/plan', { program: 'another' }, 400, { error: expect.stringContaining('program') }],
    ['POST /v1/repos/demo/plans/next/plan', { prompt: '', program: 'cat; exit 0' }, 409],
    [`GET ${agent}/presentation`, null, 200, { supported: false, turns: null, captured_at: anything }],
    ['GET /v1/repos/demo/instances/nobody/presentation', null, 404],
    [`POST ${agent}/permission`, { choice: 0 }, 409],
    [`POST ${agent}/permission`, { choice: 3 }, 400],
    ['POST /v1/repos/demo/instances/nobody/permission', { choice: 0 }, 404],
    ['POST /v1/repos/demo/instances/solo', { title: '', prompt: 'x' }, 400],
    [
      'POST /v1/repos/demo/instances/solo',
      { title: 'night', program: 'sh', prompt: 'x\n\n```sh\ntrue\n```' },
      202,
      { title: 'night-session' },
    ],
    ['POST /v1/repos/demo/instances/solo', { title: 'night', program: 'sh', prompt: 'x' }, 409],
    ['POST /v1/repos/nope/instances/solo', { title: 'night', prompt: 'x' }, 404],
    [`POST ${agent}/shell`, { command: 'ls' }, 404],
    [`POST ${agent}/kill`, {}, 200, { status: 'ok' }],
  ];
  const asked = rows.map(([route, given, status, part]) => ({ route, given, status, part }));
  it.each(asked)('$route with $given answers $status', async ({ route, given, status, part }) => {
    const [method = '', path] = route.split(' ');
    const places: Record<string, string> = { '<demo>': ground.repo, '<other>': other };
    const body = JSON.stringify(given, (_, value) => places[value] ?? value);
    const headers = { 'content-type': 'application/json' };
    const request = given === null ? { method } : { method, body, headers };
    const answer = await engine.fetch(new Request(`http://stator${path}`, request));
    const text = await answer.text();
    expect([answer.status, text]).toEqual([status, anything]);
    if (part !== undefined) expect(JSON.parse(text)).toMatchObject(part as object);
    if (status >= 400) expect(JSON.parse(text)).toHaveProperty('error');
    if (path?.includes('/capture?')) expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  });

  it('GET /v1/events answers a stream of events', async () => {
    const answer = await engine.fetch(new Request('http://stator/v1/events'));
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    await answer.body?.cancel();
  });
});

describe('a tool of MCP', () => {
  const rows = cellsOf(`
    task_list            status project
    task_show            filename
    task_create          name description branch topic content
    task_update_content  filename content
    task_delete          filename
    task_transition      filename event force
    signal_create        signal_type plan_file payload
    live_status          project cap
    instance_list        status
    instance_send        title prompt project
    instance_pause       title project
    instance_resume      title project
    instance_restart     title project
    capture_pane         title start end project
    daemon_status
  `);
  it.each(rows)('%s takes %s', (name, args = '') => {
    const found = tools.find((tool) => tool.name === name);
    expect(Object.keys(found?.input.shape ?? {})).toEqual(expect.arrayContaining(args.split(' ').filter(Boolean)));
    expect(found).toBeDefined();
  });

  it.each([
    'task_link_linear',
    'task_unlink_linear',
    'open_monitor',
    'refresh_monitor',
    'list_sessions',
    'read_file',
    'grep',
    'find_files',
    'list_dir',
    'git_status',
    'git_diff',
    'git_log',
    'symbols',
    'docs_search',
    'docs_read',
  ])('%s has no equal, and that is said', (name) => {
    expect(tools.some((tool) => tool.name === name)).toBe(false);
    expect(withoutEqual).toContain(`\`${name}\``);
  });
});
