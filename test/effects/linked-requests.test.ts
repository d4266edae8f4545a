/** A plan over several repos has a pull request in each that it changes: they link each other, are kept up to date together, and the plan has landed when all have. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LinkedState } from '../../runtime/work/effects/linked-requests.ts';
import { linkedStep } from '../../runtime/work/effects/linked-requests.ts';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import {
  afterwards,
  begin,
  type EngineSetup,
  ground,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilPlan,
} from '../support/engine.ts';
import type { ForgeState } from '../support/forge-server.ts';
import { Ci, requestLookMs } from '../support/forge-site.ts';
import { git, until } from '../support/ground.ts';
import { linkedForges, type MemberSite, mergeByHand, pullsOf } from '../support/linked-forges.ts';
import { expectProse } from '../support/prose.ts';

const both = planText([
  { sh: 'echo 1 > api/one.txt', fields: '**Repo:** api' },
  { sh: 'echo 1 > web/one.txt', fields: '**Repo:** web' },
]);

interface Where {
  readonly engine: TestEngine;
  readonly api: MemberSite;
  readonly web: MemberSite;
}

async function work(
  kinds: readonly [ForgeKind, ForgeKind],
  {
    setup = {},
    text = both,
    ...given
  }: Partial<ForgeState> & { lines?: string; setup?: EngineSetup; text?: string } = {},
): Promise<Where> {
  const on = ground();
  const [api, web] = await linkedForges(on, kinds, given);
  afterwards(() => api.forge.stop());
  afterwards(() => web.forge.stop());
  const engine = await startEngine({
    ...{ on, env: { ...on.env, FORGE_TOKEN: 'secret-token' }, pullRequestLookMs: requestLookMs },
    daemon: 'blueprint_skip_threshold = 0\n',
    ...setup,
  });
  for (const { path } of [api, web]) await engine.client.addRepo(path, { trust: true });
  await begin(engine, 'both', text);
  return { engine, api, web };
}

const requests = (engine: TestEngine, states: string) =>
  untilPlan(engine, 'both', ({ pull_request: request, creating_pr: isAtIt }) => {
    return !isAtIt && (request?.stack ?? []).map(({ name, state }) => `${name} ${state}`).join(', ') === states;
  });
const merged = (engine: TestEngine) => untilPlan(engine, 'both', ({ landing }) => landing === 'merged');
const shows = ({ bare }: MemberSite, branch: string) => git(bare, 'diff', '--name-only', `main...${branch}`);
const made = ({ forge }: MemberSite) =>
  forge.asked.filter((line) => /^POST .*(?:pulls|merge_requests)$/.test(line)).length;

describe('a plan over two repos', () => {
  it('has a request at each of their forges, which link each other and get what a review of one asks for into that one, and is merged when both are', async () => {
    const fixer = {
      preset: 'command',
      program: '/bin/sh',
      flags: ['-c', 'echo fixed > web/fix.txt; git add web/fix.txt; git commit -qm fixed'],
    };
    const { engine, api, web } = await work(['github', 'gitlab'], {
      setup: { agents: { default: { preset: 'sh' }, fixer } as never },
    });
    const { pull_request: request, branch } = await requests(engine, 'api open, web open');
    const [mine, other] = [pullsOf(api), pullsOf(web)];
    expect([mine.length, other.length]).toEqual([1, 1]);
    expect(mine[0]).toMatchObject({ head: branch, base: 'main' });
    expect([shows(api, branch), shows(web, branch)]).toEqual(['one.txt', 'one.txt']);
    expect(git(api.bare, 'log', '-1', '--format=%an', branch)).toBe(
      git(engine.repo, 'log', '-1', '--format=%an', branch),
    );
    const [first, second] = request?.stack ?? [];
    expect(request?.url).toBe(first?.url);
    expect([first?.project, second?.project]).toEqual(['api', 'web']);
    expect(mine[0]?.body).toContain(`- api: this one\n- web: ${second?.url}`);
    expect(other[0]?.body).toContain(`- api: ${first?.url}\n- web: this one`);
    const { stack, events } = await engine.client.explain('demo', 'both');
    expect(stack).toEqual(request?.stack);
    const whyNot = (wish: string) => events.find(({ type }) => type === wish)?.why_not;
    expect(whyNot('create_pr')).toBe('its pull request shows this work already');
    expect(whyNot('answer')).toBe('none is open');
    const before = [api, web].map(({ bare }) => git(bare, 'rev-parse', branch));
    other[0]?.talk.push({ id: 61, author: 'eve', body: '/stator fix it' });
    await until(() => Promise.resolve(shows(web, branch) === 'fix.txt\none.txt'));
    await requests(engine, 'api open, web open');
    expect(git(api.bare, 'rev-parse', branch)).toBe(before[0]);
    expect(git(web.bare, 'rev-parse', `${branch}^`)).toBe(before[1]);
    mergeByHand(web, 'squash');
    await requests(engine, 'api open, web merged');
    expect((await engine.client.plan('demo', 'both')).landing).toBe('pull_request_open');
    mergeByHand(api);
    expect((await merged(engine)).pull_request?.state).toBe('merged');
    expect([made(api), made(web)]).toEqual([1, 1]);
  });

  it('that changes one of them has one request, and a text that a person wrote stays', async () => {
    const { engine, api, web } = await work(['gitea', 'gitea'], { text: planText(['echo 1 > web/one.txt']) });
    await requests(engine, 'web open');
    expect([made(api), made(web)]).toEqual([0, 1]);
    const [pull] = pullsOf(web);
    if (pull === undefined) throw new Error('there is no request');
    pull.body = 'by hand';
    await say(engine, 'both', 'create_pr').catch(() => null); // nothing is new, so it is refused
    mergeByHand(web);
    await merged(engine);
    expect(pull.body).toBe('by hand');
  });

  it('needs a person where one request is closed or for another branch now, goes on when that is open again, and stays done when all are closed', async () => {
    const { engine, api, web } = await work(['github', 'gitlab']);
    await requests(engine, 'api open, web open');
    const [pull] = pullsOf(web);
    if (pull === undefined) throw new Error('there is no request');
    pull.state = 'closed';
    const { blocked, pull_request: request } = await untilBlocked(engine, 'both');
    expect(request?.stack?.map(({ state }) => state)).toEqual(['open', 'closed']);
    expectProse(blocked?.reason ?? '', web.forge.url, 'stator plan pr both');
    pull.state = 'open';
    await untilPlan(engine, 'both', (plan) => plan.blocked === null);
    await requests(engine, 'api open, web open');
    pull.state = 'closed';
    await untilBlocked(engine, 'both');
    await say(engine, 'both', 'create_pr');
    await requests(engine, 'api open, web open');
    expect(pullsOf(web).map(({ state }) => state)).toEqual(['closed', 'open']);
    const [mine, other] = [pullsOf(api)[0], pullsOf(web)[1]];
    if (mine === undefined || other === undefined) throw new Error('there are no two requests');
    git(web.bare, 'branch', 'next', 'main');
    other.base = 'next';
    expect((await untilBlocked(engine, 'both')).blocked?.reason).toContain('is for next and was for main');
    for (const each of [mine, other]) each.state = 'closed';
    await requests(engine, 'api closed, web closed');
    const { status, blocked: left, merged: into } = await engine.client.plan('demo', 'both');
    expect({ status, left, into }).toEqual({ status: 'done', left: null, into: null });
    expect([made(api), made(web)]).toEqual([1, 2]);
  });

  it('is never pushed over what somebody else pushed to the branch of a request', async () => {
    const on = ground();
    const [api, web] = await linkedForges(on, ['gitea', 'gitea']);
    afterwards(() => api.forge.stop());
    afterwards(() => web.forge.stop());
    const theirs = git(web.path, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'theirs');
    git(web.path, 'push', '-q', web.bare, `${theirs}:refs/heads/plan/both`);
    const engine = await startEngine({
      ...{ on, env: { ...on.env, FORGE_TOKEN: 'secret-token' }, pullRequestLookMs: requestLookMs },
      daemon: 'blueprint_skip_threshold = 0\n',
    });
    for (const { path } of [api, web]) await engine.client.addRepo(path, { trust: true });
    await begin(engine, 'both', both);
    const { blocked } = await untilBlocked(engine, 'both');
    expect(blocked?.reason).toContain(theirs.slice(0, 12));
    expect(git(web.bare, 'rev-parse', 'plan/both')).toBe(theirs);
  });
});

describe('a plan over two repos that its forges land', () => {
  const lines = (seen: string) => `[landing]\nby = "forge"\nauto = true\ncheck = '''git rev-parse HEAD >> ${seen}'''\n`;

  async function landing(kinds: readonly [ForgeKind, ForgeKind], given: Partial<ForgeState> = {}, text = both) {
    const seen = join(ground().root, 'seen');
    return { seen, ...(await work(kinds, { lines: lines(seen), text, ...given })) };
  }

  it('is merged at the one and then at the other, in the order that it names, as it was checked together', async () => {
    const text = both.replace('\n\n## Wave', '\n\n**Land:** web\n\n## Wave');
    const { engine, api, web, seen } = await landing(['gitlab', 'gitea'], {}, text);
    const order: string[] = [];
    for (const { name, forge } of [api, web])
      forge.trouble = (line) => {
        if (/^(?:POST|PUT) .*\/merge$/.test(line)) order.push(name);
        return null;
      };
    const { merged: found, pull_request: request } = await untilPlan(engine, 'both', (plan) => plan.merged !== null);
    expect(request?.stack?.map(({ name }) => name)).toEqual(['web', 'api']);
    expect(order).toEqual(['web', 'api']);
    const body = pullsOf(api)[0]?.body ?? '';
    expect(body.indexOf('- web: ')).toBeLessThan(body.indexOf('- api: this one'));
    const [one, other] = [api, web].map(({ bare }) => git(bare, 'rev-parse', 'main'));
    const checked = readFileSync(seen, 'utf8').trim().split('\n').at(-1) ?? '';
    for (const { name, bare } of [api, web])
      expect(git(engine.repo, 'rev-parse', `${checked}:${name}`)).toBe(git(bare, 'rev-parse', 'main^{tree}'));
    expect(git(engine.repo, 'log', '-1', '--format=%B', 'main')).toContain(
      `Stator-Member: api ${one}\nStator-Member: web ${other}`,
    );
    expect(found?.note).toMatch(/^web: .* is merged into main as .*take it back: .*revert.*\napi: /);
    expect(found?.note).toContain(`-m 1 ${one?.slice(0, 12)}`);
  });

  it('waits until both have what their branches require; names what was merged and its way back where the second is refused, and merges the rest when a person says so', async () => {
    const ci = new Ci('pending');
    const { engine, api, web, seen } = await landing(['github', 'gitea'], { statuses: ci, required: ['ci'] });
    await requests(engine, 'api open, web open');
    await untilPlan(engine, 'both', ({ waiting_for: it }) => it?.kind === 'landing');
    expect(existsSync(seen)).toBe(false);
    web.forge.state.merging = { ...web.forge.state.merging, refuses: 'the branch is frozen' };
    ci.become('success');
    const { blocked } = await untilBlocked(engine, 'both');
    const made = git(api.bare, 'rev-parse', 'main');
    expect(blocked?.reason).toContain('the branch is frozen');
    expect(blocked?.reason).toContain(`revert --no-edit -m 1 ${made.slice(0, 12)}`);
    expect(git(web.bare, 'ls-tree', '--name-only', 'main')).not.toContain('one.txt');
    web.forge.state.merging = { ...web.forge.state.merging, refuses: null };
    await say(engine, 'both', 'resolve');
    await merged(engine);
    expect(git(web.bare, 'ls-tree', '--name-only', 'main')).toContain('one.txt');
    expect(git(api.bare, 'log', '--format=%s', '--first-parent', 'main').match(/plan\/both/g)).toHaveLength(1);
  });
});

const states: readonly [string, string][] = [
  ['none', 'publish'],
  ['open', 'publish'],
  ['merged', 'merged'],
  ['closed', 'closed'],
  ['none none', 'publish'],
  ['none open', 'publish'],
  ['none merged', 'publish'],
  ['none closed', 'decide'],
  ['open none', 'publish'],
  ['open open', 'publish'],
  ['open merged', 'publish'],
  ['open closed', 'decide'],
  ['merged none', 'publish'],
  ['merged open', 'publish'],
  ['merged merged', 'merged'],
  ['merged closed', 'decide'],
  ['closed none', 'decide'],
  ['closed open', 'decide'],
  ['closed merged', 'decide'],
  ['closed closed', 'closed'],
  ['merged open merged', 'publish'],
  ['closed none merged', 'decide'],
];
it.each(states)('requests that are %s: %s', (found, step) => {
  expect(linkedStep(found.split(' ') as LinkedState[])).toBe(step);
});
