/** A service counts its limits by account: an agent whose account takes no more waits, or another profile replaces it. The programs are fakes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountText } from '../../machines/vocabulary/account-text.ts';
import type { AgentSettings } from '../../runtime/base/config/config.ts';
import type { Clock } from '../../runtime/base/platform/clock.ts';
import { accountOf } from '../../runtime/work/agents/account.ts';
import { heldUntil, reservedUntil } from '../../runtime/work/agents/accounts.ts';
import { createClaudeReader } from '../../runtime/work/agents/reports/claude.ts';
import { briefOf } from '../support/agent.ts';
import {
  begin,
  ground,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilPhase,
  untilPlan,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { callsIn, fakeEnv } from '../support/program.ts';
import { noWallsHere } from '../support/walls.ts';

const hourMs = 3_600_000;
const oneTask = planText([{ title: 'the work', sh: null }]);

interface Scene {
  readonly says: string;
  readonly resetMs?: number;
  readonly agents: { readonly [name: string]: AgentSettings };
  readonly key?: string;
  readonly clock?: Clock;
}

async function engineOf({ says, resetMs = Date.now() + hourMs, agents, key, clock }: Scene): Promise<TestEngine> {
  const on = ground();
  const env = { ...fakeEnv(on.env, { root: on.root, says, resetMs }), ...(key && { ANTHROPIC_API_KEY: key }) };
  const timed = clock === undefined ? {} : { clock };
  return startEngine({ on, env, agents: { reviewer: { enabled: false }, ...agents }, ...timed });
}

const untilLimited = (engine: TestEngine, plan: string) =>
  untilPlan(engine, plan, ({ waiting_for: what }) => what?.kind === 'rate_limit');

async function notices({ client }: TestEngine): Promise<number> {
  return (await client.notifications({ all: 'true' })).filter(({ type }) => type === 'account_limited').length;
}

describe('an account that takes no more', () => {
  it('holds back every agent that works with it, in other plans and after a restart too, and they begin by themselves when it is over', async () => {
    const { clock, pass } = machineClock();
    const on = ground();
    const resetMs = Date.now() + 240_000;
    const env = {
      ...fakeEnv(on.env, { root: on.root, says: 'limit,ok', resetMs }),
      ANTHROPIC_API_KEY: 'sk-ant-a-secret-of-a-person',
    };
    const agents = { default: { preset: 'claude', attempts: 1 }, reviewer: { enabled: false } } as const;
    const engine = await startEngine({ on, env, clock, agents });
    await begin(engine, 'first', oneTask);
    await untilLimited(engine, 'first');
    await begin(engine, 'second', oneTask);
    const waiting = await untilLimited(engine, 'second');
    const [account, ...others] = await engine.client.accounts();
    expect(others).toEqual([]);
    expect(waiting.waiting_for?.detail).toContain(account?.account);
    expect(account?.waiting.map(({ plan, title }) => [plan, title])).toEqual([
      ['first', 'first-w1-t1'],
      ['second', 'second-w1-t1'],
    ]);
    expect((await engine.client.status()).accounts).toEqual([account]);
    const [held] = (await engine.client.queue()).filter(({ plan }) => plan === 'second');
    expect(held).toMatchObject({ state: 'pending', attempts: 0, waiting_for: { kind: 'rate_limit' } });
    expect(callsIn(engine.root)).toHaveLength(1);
    expect(await notices(engine)).toBe(1);
    // What it is known by is shown nowhere.
    const all = [
      ...engine.log,
      JSON.stringify([account, held, waiting, await engine.client.notifications({ all: 'true' })]),
    ];
    expect(all.join('\n')).not.toContain('secret');
    await engine.engine.stop({ agents: 'stop' });
    const again = await startEngine({ on: engine, env, clock, adds: false, agents });
    await untilLimited(again, 'first');
    await untilLimited(again, 'second');
    expect(callsIn(again.root)).toHaveLength(1);
    pass(240_000);
    await Promise.all([untilStatus(again, 'first', 'done'), untilStatus(again, 'second', 'done')]);
    expect(callsIn(again.root)).toHaveLength(3);
    expect(await again.client.accounts()).toEqual([]);
    for (const plan of ['first', 'second'])
      expect((await again.client.instances({ plan }))[0]).toMatchObject({ attempt: 1, state: 'succeeded' });
  });

  it('is tried again after five minutes on the word of one run, and held to its reset on that of a second', async () => {
    const { clock, pass } = machineClock();
    const on = ground();
    // Longer than any service's limit is: then a week counts.
    const resetMs = Date.now() + 400 * 24 * hourMs;
    const env = fakeEnv(on.env, { root: on.root, says: 'limit', resetMs });
    const agents = { default: { preset: 'claude', attempts: 1 }, reviewer: { enabled: false } } as const;
    const engine = await startEngine({ on, env, clock, agents });
    const startMs = clock.nowMs();
    await begin(engine, 'first', oneTask);
    await untilLimited(engine, 'first');
    await begin(engine, 'second', oneTask);
    await untilLimited(engine, 'second');
    const untilMs = async () => Date.parse((await engine.client.accounts())[0]?.until ?? '');
    expect(await untilMs()).toBeLessThanOrEqual(clock.nowMs() + 300_000);
    expect(await untilMs()).toBeGreaterThan(startMs + 240_000);
    pass(300_000);
    await until(async () => (await untilMs()) > clock.nowMs() + hourMs);
    expect(await untilMs()).toBeGreaterThan(clock.nowMs() + 6.9 * 24 * hourMs);
    expect(await untilMs()).toBeLessThanOrEqual(clock.nowMs() + 7 * 24 * hourMs);
    // Both were tried at the most.
    expect(callsIn(engine.root).length).toBeLessThanOrEqual(3);
  });

  it('is not assumed if a signal killed the program that reported the limit', async () => {
    const on = ground();
    const scenario = join(on.root, 'scenario.json');
    const events = [
      { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: 4_102_444_800 } },
      { type: 'result', subtype: 'success', is_error: true, api_error_status: 429, result: 'limit' },
    ].map((event) => JSON.stringify(event));
    const sh = `printf '%s\\n' ${events.map((event) => `'${event}'`).join(' ')} > /proc/$PPID/fd/1; kill -9 $PPID`;
    writeFileSync(scenario, JSON.stringify({ 'first-w1-t1': [[{ sh }]], 'first-coder': [[{ sh }]] }));
    const env = fakeEnv(on.env, { root: on.root, says: 'ok', scenario });
    const agents = { default: { preset: 'claude', attempts: 1 }, reviewer: { enabled: false } } as const;
    const engine = await startEngine({ on, env, agents });
    await begin(engine, 'first', oneTask);
    await untilPhase(engine, 'first', 'wave_waiting');
    expect(await engine.client.accounts()).toEqual([]);
  });

  it('does not hold back who works with another one: by the key of an env file, or by name', async () => {
    const on = ground();
    writeFileSync(join(on.root, 'other.env'), 'ANTHROPIC_API_KEY=another\n');
    const env = fakeEnv(on.env, { root: on.root, says: 'limit,ok', resetMs: Date.now() + hourMs });
    const reviewer = { enabled: false };
    const agents = { default: { preset: 'claude', attempts: 1 }, coder: { account: 'work' }, reviewer } as const;
    const engine = await startEngine({
      on,
      env,
      agents: { ...agents, planner: { account: '', env_file: join(on.root, 'other.env') } },
    });
    await begin(engine, 'first', oneTask);
    await untilLimited(engine, 'first');
    expect((await engine.client.accounts()).map(({ account }) => account)).toEqual(['work']);
    await register(engine, 'draft', 'Write it.\n');
    await say(engine, 'draft', 'plan_start');
    await until(() => callsIn(engine.root).some(({ title }) => title === 'draft-plan'));
  });

  it('is not what a queued agent waits for whose task names an agent of another account', async () => {
    const on = ground();
    const env = fakeEnv(on.env, { root: on.root, says: 'limit', resetMs: Date.now() + hourMs });
    const go = join(on.root, 'go');
    const agents = {
      default: { preset: 'claude', attempts: 1 },
      strong: {
        preset: 'command',
        program: `sh -c 'until [ -e "${go}" ]; do sleep 0.05; done; echo > "$STATOR_SLUG"'`,
      },
      reviewer: { enabled: false },
    } as const;
    const engine = await startEngine({ on, env, agents, daemon: `max_agents = 1\n${waves}` });
    await begin(engine, 'first', oneTask);
    await untilLimited(engine, 'first');
    const strong = planText([{ sh: null, fields: '**Agent:** strong' }]);
    await begin(engine, 'busy', strong);
    await untilPlan(engine, 'busy', ({ run_list: runs }) => runs[0]?.state === 'running');
    await begin(engine, 'usual', oneTask);
    await untilLimited(engine, 'usual');
    await begin(engine, 'named', strong);
    const queueOf = async () => (await engine.client.queue()).filter(({ state }) => state === 'pending');
    await until(async () => (await queueOf()).some(({ plan }) => plan === 'named'));
    expect((await engine.client.plan('demo', 'named')).waiting_for).toMatchObject({
      kind: 'slot',
      detail: expect.stringContaining('position 1 of 1'),
    });
    const queued = await queueOf();
    expect(queued.map(({ plan, waiting_for: what }) => [plan, what?.kind])).toContainEqual(['named', 'slot']);
    expect(queued.find(({ plan }) => plan === 'named')?.position).toBe(1);
    expect((await engine.client.instances({ plan: 'named' }))[0]?.waits_until).toBeNull();
    const [account] = await engine.client.accounts();
    expect(account?.waiting.map(({ plan }) => plan)).toEqual(['first', 'usual']);
    writeFileSync(go, '');
    await Promise.all([untilStatus(engine, 'busy', 'done'), untilStatus(engine, 'named', 'done')]);
  });

  it('lets the agents of others start while tasks wait that name the coder, or an agent that is gone', async () => {
    const on = ground();
    const env = fakeEnv(on.env, { root: on.root, says: 'limit', resetMs: Date.now() + hourMs });
    const daemon = `max_agents = 1\n${waves}\n[agents.default]\npreset = "claude"\nattempts = 1\n`;
    const reviewer = { enabled: false } as const;
    const first = await startEngine({ on, env, daemon, agents: { reviewer, gone: {} } });
    await begin(first, 'first', oneTask);
    await untilLimited(first, 'first');
    const names = ['coder', 'gone'];
    for (const name of names) {
      await begin(first, name, planText([{ sh: null, fields: `**Agent:** ${name}` }]));
      await untilLimited(first, name);
    }
    await first.engine.stop();
    // A table that is removed while its task waits counts as the coder's own.
    const engine = await startEngine({ on: first, env, adds: false, agents: { reviewer } });
    const other = join(on.root, 'other');
    git(on.root, 'clone', '-q', on.repo, other);
    mkdirSync(join(other, '.stator'));
    writeFileSync(join(other, '.stator', 'config.toml'), '[agents.default]\npreset = "sh"\n');
    await engine.client.addRepo(other, { trust: true });
    await begin(engine, 'free', planText(['echo a > a.txt']), 'other');
    await untilStatus(engine, 'free', 'done', 'other');
    for (const name of names)
      expect((await engine.client.plan('demo', name)).waiting_for).toMatchObject({ kind: 'rate_limit' });
    expect(callsIn(engine.root)).toHaveLength(1);
  });

  // It takes five seconds, because the watch looks that often.
  it('is over at its reset by the wall clock, although the machine slept until then', async () => {
    const { clock, setWall } = machineClock();
    const engine = await engineOf({
      says: 'limit,ok',
      resetMs: Date.now() + 240_000,
      agents: { default: { preset: 'claude', attempts: 1 } },
      clock,
    });
    await begin(engine, 'first', oneTask);
    await untilPlan(engine, 'first', ({ run_list: [run] }) => run?.state === 'waiting');
    setWall(241_000);
    await untilStatus(engine, 'first', 'done');
    expect(callsIn(engine.root)).toHaveLength(2);
  });

  it('is tried at once if a person restarts an agent, and is free again if that agent meets no limit', async () => {
    const engine = await engineOf({ says: 'limit,ok', agents: { default: { preset: 'claude', attempts: 1 } } });
    await begin(engine, 'first', oneTask);
    await untilLimited(engine, 'first');
    await begin(engine, 'second', oneTask);
    await untilLimited(engine, 'second');
    await engine.client.restartInstance({ project: 'demo', title: 'first-w1-t1' });
    await Promise.all([untilStatus(engine, 'first', 'done'), untilStatus(engine, 'second', 'done')]);
    expect(await engine.client.accounts()).toEqual([]);
  });
});

describe('a fallback profile', () => {
  const agents = {
    default: { preset: 'claude', attempts: 1, fallback: 'spare' },
    spare: { preset: 'codex' },
  } as const;

  it('plays while the account is limited, in a conversation of its own, and history and the plan say so', async () => {
    const engine = await engineOf({ says: 'limit,ok', agents });
    await begin(engine, 'first', oneTask);
    const done = await untilStatus(engine, 'first', 'done');
    expect(callsIn(engine.root).map(({ program }) => program)).toEqual(['claude', 'codex']);
    expect(callsIn(engine.root)[1]?.args).not.toContain('resume');
    expect(done.run_list.map(({ profile, attempt }) => [profile, attempt])).toEqual([
      [null, 1],
      ['spare', 1],
    ]);
    const told = await engine.client.history('demo', 'first');
    expect(told.flatMap(({ stands_in: profile }) => profile ?? [])).toContain('spare');
    // The agent that would start is the one of the replacing profile.
    await register(engine, 'third', oneTask);
    const act = { project: 'demo', plan: 'third', type: 'implement_start' } as const;
    expect((await engine.client.previewAct(act)).starts).toMatchObject([{ role: 'coder', program: 'codex' }]);
    await begin(engine, 'second', oneTask);
    const next = await untilStatus(engine, 'second', 'done');
    expect(next.run_list.map(({ profile }) => profile)).toEqual(['spare']);
    expect(await notices(engine)).toBe(1);
  });

  it('has its own prompt in `plan prompt`: a command that replaces a reviewer may judge by its exit code', async () => {
    const engine = await engineOf({
      says: 'limit',
      agents: {
        default: { preset: 'claude', attempts: 1 },
        reviewer: { enabled: true, fallback: 'judge' },
        judge: { preset: 'command', program: 'true' },
      },
    });
    const prompt = async () => (await engine.client.prompt('demo', 'first', { role: 'reviewer' })).prompt;
    await register(engine, 'first', oneTask);
    expect(await prompt()).not.toContain('by exit code');
    await say(engine, 'first', 'implement_start');
    await untilLimited(engine, 'first');
    expect(await prompt()).toContain('by exit code');
  });

  it('waits for the account that is free first where its own is limited too', async () => {
    const engine = await engineOf({ says: 'limit', agents });
    await begin(engine, 'first', oneTask);
    await untilPlan(engine, 'first', ({ run_list: runs }) => runs.length === 2 && runs[1]?.reason === 'rate-limited');
    await untilLimited(engine, 'first');
    expect(callsIn(engine.root).map(({ program }) => program)).toEqual(['claude', 'codex']);
    expect(await engine.client.accounts()).toHaveLength(2);
  });

  it.each([
    ['itself', { coder: { fallback: 'coder' } }],
    ['a circle', { coder: { fallback: 'spare' }, spare: { fallback: 'rest' }, rest: { fallback: 'spare' } }],
    ['nobody', { coder: { fallback: 'spare' } }],
    ['a profile that no fallback names', { cdoer: { preset: 'codex' } }],
    ['a shell that has nothing to run for it', { reviewer: { fallback: 'spare' }, spare: { preset: 'sh' } }],
  ] as const)('is refused when the configuration is read: %s', async (_what, given) => {
    const failed = engineOf({ says: 'ok', agents: { default: { preset: 'claude' }, reviewer: {}, ...given } });
    await expect(failed).rejects.toMatchObject({ code: 'bad_config' });
  });
});

describe('a reserve', () => {
  it('holds back new agents while less of the limit is left, and the run that said so is not stopped', async () => {
    const agents = { coder: { preset: 'claude', attempts: 1, reserve: '20%' } } satisfies Scene['agents'];
    const engine = await engineOf({ says: 'near,ok', agents });
    await begin(engine, 'first', oneTask);
    await untilStatus(engine, 'first', 'done');
    await begin(engine, 'second', oneTask);
    const waiting = await untilLimited(engine, 'second');
    expect(waiting.waiting_for?.detail).toContain('has used 85% of its limit, and the rest is its reserve until ');
    expect(await engine.client.accounts()).toMatchObject([
      { used_percent: 85, waiting: [{ plan: 'second' }], left: [{ span: 'five_hour', percent: 15 }] },
    ]);
    expect(callsIn(engine.root)).toHaveLength(1);
    expect(await notices(engine)).toBe(1);
    // A person who wants it tried gets it tried, and the account stays held back for others.
    await engine.client.restartInstance({ project: 'demo', title: 'second-w1-t1' });
    await untilStatus(engine, 'second', 'done');
    expect(await notices(engine)).toBe(1);
  });

  it('lets the fallback play, and is no reason to wait where more is left', async () => {
    const spare = { preset: 'codex' } as const;
    const coder = { preset: 'claude', attempts: 1, fallback: 'spare' } as const;
    const programs = async (reserve: string) => {
      const engine = await engineOf({ says: 'near,ok', agents: { coder: { ...coder, reserve }, spare } });
      for (const plan of ['first', 'second']) {
        await begin(engine, plan, oneTask);
        await untilStatus(engine, plan, 'done');
      }
      const [account] = await engine.client.accounts();
      expect(account?.left).toMatchObject([{ span: 'five_hour', percent: 15, until: expect.any(String) as string }]);
      expect(account?.since === null).toBe(reserve === '15%');
      return callsIn(engine.root).map(({ program }) => program);
    };
    expect(await programs('20%')).toEqual(['claude', 'codex']);
    expect(await programs('15%')).toEqual(['claude', 'claude']);
  });

  it.each(['off', 'bwrap'] as const)(
    'of codex is read from the file of its thread, sandbox = "%s": a single run that says so holds agents back for five minutes',
    {
      skip: noWallsHere !== null,
    },
    async (sandbox) => {
      const on = ground();
      const own = join(on.root, 'codex');
      const env = { ...fakeEnv(on.env, { root: on.root, says: 'near' }), CODEX_HOME: own };
      mkdirSync(join(own, 'sessions'), { recursive: true });
      const record = join(on.root, 'calls.jsonl');
      writeFileSync(record, '');
      const reach = { writable: [record], readable: [join(import.meta.dirname, '../support/fixtures')] };
      const coder = { preset: 'codex', attempts: 1, reserve: '20%', sandbox, ...reach } as const;
      const engine = await startEngine({ on, env, agents: { coder, reviewer: { enabled: false } } });
      const beganMs = Date.now();
      await begin(engine, 'first', oneTask);
      await untilStatus(engine, 'first', 'done');
      const [account] = await engine.client.accounts();
      expect(account).toMatchObject({
        used_percent: 85,
        left: [
          { span: 'five_hour', percent: 15 },
          { span: 'seven_day', percent: 88 },
        ],
      });
      expect(Date.parse(account?.until ?? '')).toBeGreaterThanOrEqual(beganMs + 290_000);
      expect(Date.parse(account?.until ?? '')).toBeLessThanOrEqual(Date.now() + 300_000);
      await begin(engine, 'second', oneTask);
      await untilLimited(engine, 'second');
      expect(callsIn(engine.root)).toHaveLength(1);
      // A second run that says the same counts until the limit begins anew.
      await engine.client.restartInstance({ project: 'demo', title: 'second-w1-t1' });
      await untilStatus(engine, 'second', 'done');
      expect(Date.parse((await engine.client.accounts())[0]?.until ?? '')).toBeGreaterThan(beganMs + 3_000_000);
    },
  );

  it.each([
    ['claude', { CLAUDE_CODE_USE_FOUNDRY: '1', ANTHROPIC_FOUNDRY_RESOURCE: 'a' }, { CLAUDE_CODE_USE_FOUNDRY: '1' }],
    ['claude', { CLAUDE_CODE_USE_MANTLE: '1' }, { CLAUDE_CODE_USE_ANTHROPIC_AWS: '1' }],
    ['claude', { ANTHROPIC_PROFILE: 'a' }, { ANTHROPIC_PROFILE: 'b' }],
    ['codex', { CODEX_ACCESS_TOKEN: 'a' }, { CODEX_ACCESS_TOKEN: 'b' }],
    ['goose', { OPENAI_HOST: 'https://a' }, { OPENAI_HOST: 'https://b' }],
    ['kimi', { KIMI_MODEL_API_KEY: 'a' }, { KIMI_CODE_HOME: '/b' }],
  ] as const)('of %s is another one with %j than with %j, and than without', (preset, one, other) => {
    const { profile } = briefOf(oneTask, { profile: { preset } });
    const names = [one, other, {}].map((env) => accountOf(profile, { repo: '/', env: { HOME: '/home/ada', ...env } }));
    expect(new Set(names).size).toBe(3);
  });

  it.each([
    [null, { used: 0.99, untilMs: 90_000 }, null],
    [0.2, { used: 0.8, untilMs: 90_000 }, null],
    [0.2, { used: 0.81, untilMs: 90_000 }, 90_000],
    [0.2, { used: 0.81, untilMs: 10_000 }, null],
    [0.2, { used: 1, untilMs: null }, 10_000 + 300_000],
    [0.2, { used: 1, untilMs: 90 * 86_400_000 }, 10_000 + 7 * 86_400_000],
  ])('%j of a limit with the usage %j holds until %j', (reserve, quota, until) => {
    expect(reservedUntil({ reserve }, quota, 10_000)).toBe(until);
  });

  it.each([
    ['the first report', null, 0, 400_000],
    ['a run that began before the first report', 90_000, 80_000, 400_000],
    ['a run that began after the first report', 90_000, 95_000, 900_000],
  ])('%s of a limit holds its account until then', (_what, since, startedAt, until) => {
    const known = since === null ? null : { account: 'a', since, until: 390_000, used: null };
    expect(heldUntil({ until: 900_000, at: 100_000, startedAt }, known)).toBe(until);
  });

  it.each([
    [[], []],
    [[{ status: 'allowed', resetsAt: 5 }], []],
    [[{ status: 'allowed_warning', resetsAt: 5, utilization: 0.85 }], [{ span: 'limit', used: 0.85, untilMs: 5000 }]],
    [[{ utilization: 0.85 }, { status: 'allowed' }], [{ span: 'limit', used: 0.85, untilMs: null }]],
    [
      [
        { rateLimitType: 'five_hour', utilization: 0.5, resetsAt: 5 },
        { rateLimitType: 'seven_day_opus', utilization: 0.9, resetsAt: 9 },
        { rateLimitType: 'five_hour', utilization: 0.6, resetsAt: 5 },
        { rateLimitType: 'my own\nspan', utilization: 0.1, resetsAt: 5 },
      ],
      [
        { span: 'five_hour', used: 0.6, untilMs: 5000 },
        { span: 'seven_day_opus', used: 0.9, untilMs: 9000 },
        { span: 'limit', used: 0.1, untilMs: 5000 },
      ],
    ],
    [[{ utilization: 82, resetsAt: 7 }], [{ span: 'limit', used: 0.82, untilMs: 7000 }]],
    [[{ utilization: 1.02, resetsAt: 7 }], [{ span: 'limit', used: 1, untilMs: 7000 }]],
    // What 2.1.332 says with each change: it has no `utilization` of its own while nothing is near.
    [
      [
        {
          ...{ status: 'allowed', resetsAt: 5, rateLimitType: 'five_hour' },
          unifiedWindows: {
            five_hour: { utilization: 0.3, resetsAt: 5 },
            seven_day: { utilization: 1.1, resetsAt: 9, status: 'rejected' },
            seven_day_overage_included: { utilization: 0.9, resetsAt: 9 },
          },
        },
      ],
      [
        { span: 'five_hour', used: 0.3, untilMs: 5000 },
        { span: 'seven_day', used: 1, untilMs: 9000 },
      ],
    ],
    [[{ utilization: 0.5, resetsAt: 7.0001 }], [{ span: 'limit', used: 0.5, untilMs: 7001 }]],
    [[{ utilization: 0.5, resetsAt: 9_007_199_254_740_991 }], [{ span: 'limit', used: 0.5, untilMs: null }]],
    [[{ utilization: -1 }], []],
    [[{ utilization: 'much' }], []],
  ])('claude says %j', (infos, quotas) => {
    const reader = createClaudeReader();
    for (const info of infos) reader.event({ type: 'rate_limit_event', rate_limit_info: info });
    expect(reader.report({ code: 0, writtenAtMs: 0 }).quotas).toEqual(quotas);
  });

  it('is said in one text: what is left of each span, and whether new agents are taken', () => {
    const nowMs = Date.parse('2026-11-27T10:00:00');
    const until = new Date(nowMs + 7_200_000).toISOString();
    const left = [
      { span: 'five_hour', percent: 15, until },
      { span: 'seven_day', percent: 60, until },
      { span: 'seven_day_opus', percent: 5, until },
      { span: 'limit', percent: 50, until },
    ];
    const when = `until ${until}`;
    const all = `15% of its five hours left ${when}; 60% of its week left ${when}; 5% of its week for opus left ${when}; 50% of its limit left ${when}`;
    const account = { account: 'work', until: null, used_percent: null, left };
    expect(accountText(account)).toBe(`account work has ${all}`);
    expect(accountText({ ...account, until, used_percent: 85 })).toBe(
      `account work has used 85% of its limit, and the rest is its reserve ${when}; ${all}`,
    );
    expect(accountText({ ...account, until, left: [] })).toBe(`account work is rate limited ${when}`);
  });

  it.each(['20', '0%', '100%', '20.5%'])('of %s is refused when the configuration is read', async (reserve) => {
    const failed = engineOf({ says: 'ok', agents: { coder: { preset: 'claude', reserve } } });
    await expect(failed).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining('20%') as string,
    });
  });
});

describe('a list of profiles for the attempts', () => {
  const fails = { preset: 'command', program: 'false' } as const;
  const works = { preset: 'command', program: `sh -c 'echo "$STATOR_ATTEMPT" > made.txt'` } as const;
  const profiles = (plan: {
    readonly run_list: readonly { readonly profile: string | null; readonly attempt: number }[];
  }) => plan.run_list.map(({ profile, attempt }) => [profile, attempt]);

  it('each failed attempt is followed by the next profile, over a restart too, and the history says which one works', async () => {
    const on = ground();
    const agents = {
      coder: { escalate: ['fast', 'coder', 'strong'], ...fails },
      fast: {},
      strong: works,
      reviewer: { enabled: false },
    };
    const engine = await startEngine({ on, agents });
    await begin(engine, 'first', oneTask);
    await untilPlan(engine, 'first', ({ run_list: runs }) => runs.length > 0);
    await engine.engine.stop({ agents: 'stop' });
    const again = await startEngine({ on: engine, adds: false, agents });
    const done = await untilStatus(again, 'first', 'done');
    // A run that the stop of the engine ended begins again in the same attempt.
    expect([...new Set(profiles(done).map((each) => each.join(' ')))]).toEqual(['fast 1', ' 2', 'strong 3']);
    const told = await again.client.history('demo', 'first');
    expect(told.flatMap(({ stands_in: profile }) => profile ?? [])).toContain('strong');
  });

  it('its last profile plays all further attempts, and who would start first is the first', async () => {
    const agents = {
      coder: { escalate: ['spare', 'strong'], attempts: 3 },
      spare: { preset: 'codex' },
      strong: fails,
    } satisfies Scene['agents'];
    const engine = await engineOf({ says: 'error', agents });
    await begin(engine, 'first', oneTask);
    const blocked = await untilPlan(
      engine,
      'first',
      ({ run_list: runs }) => runs.filter(({ state }) => state === 'failed').length === 3,
    );
    expect(profiles(blocked)).toEqual([
      ['spare', 1],
      ['strong', 2],
      ['strong', 3],
    ]);
    await register(engine, 'second', oneTask);
    const act = { project: 'demo', plan: 'second', type: 'implement_start' } as const;
    expect((await engine.client.previewAct(act)).starts).toMatchObject([{ role: 'coder', program: 'codex' }]);
  });

  it('another of the list plays while the account of one is limited', async () => {
    const agents = {
      coder: { preset: 'claude', attempts: 2, escalate: ['coder', 'strong'] },
      strong: { preset: 'codex' },
    } satisfies Scene['agents'];
    const engine = await engineOf({ says: 'limit,ok', agents });
    await begin(engine, 'first', oneTask);
    const done = await untilStatus(engine, 'first', 'done');
    expect(profiles(done)).toEqual([
      [null, 1],
      ['strong', 1],
    ]);
    expect(callsIn(engine.root).map(({ program }) => program)).toEqual(['claude', 'codex']);
  });

  it('the agents that tasks name play, also a later attempt, while the accounts of the list are limited', async () => {
    const agents = {
      coder: { preset: 'claude', attempts: 2, escalate: ['coder'] },
      spare: { preset: 'command', program: `sh -c '[ "$STATOR_ATTEMPT" = 2 ] && echo a > a.txt'` },
      strong: { preset: 'codex' },
    } satisfies Scene['agents'];
    const engine = await engineOf({ says: 'limit,ok', agents });
    await begin(engine, 'first', oneTask);
    await untilLimited(engine, 'first');
    for (const [plan, played] of [
      ['spare', [1, 2]],
      ['strong', [1]],
    ] as const) {
      await begin(engine, plan, planText([{ title: 'the work', sh: null, fields: `**Agent:** ${plan}` }]));
      expect(profiles(await untilStatus(engine, plan, 'done'))).toEqual(played.map((attempt) => [plan, attempt]));
    }
    expect((await engine.client.plan('demo', 'first')).waiting_for).toMatchObject({ kind: 'rate_limit' });
  });

  it.each<[string, Scene['agents'], string]>([
    ['a table that is not there', { coder: { escalate: ['strong', 'strng'] }, strong: {} }, 'did you mean'],
    ['one profile twice', { coder: { escalate: ['coder', 'coder'] } }, 'twice'],
    [
      'more profiles than attempts',
      { coder: { attempts: 1, escalate: ['coder', 'strong'] }, strong: {} },
      '2 profiles for 1 attempts',
    ],
    [
      'a shell that has nothing to run for it',
      { reviewer: { enabled: true, escalate: ['strong'] }, strong: { preset: 'sh' } },
      'cannot replace',
    ],
    [
      'a circle of fallbacks in one of them',
      { coder: { escalate: ['strong'] }, strong: { fallback: 'rest' }, rest: { fallback: 'strong' } },
      'leads back',
    ],
  ])('is refused when the configuration is read: %s', async (_what, given, words) => {
    const failed = engineOf({ says: 'ok', agents: { default: { preset: 'claude' }, ...given } });
    await expect(failed).rejects.toMatchObject({
      code: 'bad_config',
      message: expect.stringContaining(words) as string,
    });
  });
});
