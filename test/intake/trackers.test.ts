import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { trackerSource } from '../../runtime/work/intake/tracker-source.ts';
import { gate, openGate, say, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import type { FakeTracked, TrackerKind } from '../support/tracker-server.ts';
import { accountOf, messageOf, trackerSite, untilTaken } from '../support/tracker-site.ts';

const refusalOf: Readonly<Record<TrackerKind, string>> = {
  ...{ github: 'eve may not write there', gitea: 'eve may not write there', gitlab: 'eve may not write there' },
  ...{ linear: 'EVE (eve@acme.test) is not in authors', jira: `EVE (${accountOf.jira('eve')}) is not in authors` },
  'jira-server': 'EVE (eve) is not in authors',
};

const authorOf = (kind: TrackerKind) =>
  refusalOf[kind]
    .split(/ (?:may|is) not/)[0]
    ?.replace('eve', 'ada')
    .replace('EVE', 'ADA')
    .replace(accountOf[kind]('eve'), accountOf[kind]('ada'));

const commentsIn = ({ comments }: FakeTracked) =>
  comments.filter(({ author }) => author === 'bot').map(({ body }) => body.split('\n')[0]);

for (const kind of ['github', 'gitea', 'gitlab', 'linear', 'jira', 'jira-server'] satisfies TrackerKind[])
  describe(`issues of ${kind}`, () => {
    it('become sessions once, and each state goes back once', async () => {
      const { tracker, start } = await trackerSite(kind);
      const issue = tracker.add({ title: 'Fix the login', body: 'It is broken.', labels: ['agent'] });
      tracker.add({ title: 'Not for agents', body: 'x' });
      tracker.add({ title: 'A pull request', labels: ['agent'], isPull: true });
      const engine = await start(`labels = ["agent"]\ntell = ["comment", "label"]\n${messageOf('echo 1 > one.txt')}`);
      const [plan = ''] = await untilTaken(engine, 1);
      expect(plan).toMatch(/^issue-(?:eng-)?1-fix-the-login$/);
      expect((await engine.client.plan('demo', plan)).author).toBe(`intake:issues/${authorOf(kind)}`);
      await untilStatus(engine, plan, 'done');
      await until(() => issue.labels.includes('stator:done'));
      await until(async () => (await engine.client.warnings()).length === 0);
      expect(commentsIn(issue)[0]).toBe(`This became the plan \`${plan}\`.`);
      expect(commentsIn(issue).at(-1)).toBe(`The work is done (plan \`${plan}\`).`);
      expect(new Set(commentsIn(issue)).size).toBe(commentsIn(issue).length);
      expect(issue.labels).toEqual(['agent', 'stator:done']);
      expect((await engine.client.plan('demo', plan)).content).toContain('It is broken.');
      tracker.edit(issue, { title: 'Another name' });
      const count = tracker.asked.length;
      await until(() => tracker.asked.length > count + 3);
      expect(await engine.client.plans('demo')).toHaveLength(1);
    });

    it('of a stranger wait for a person, who allows one text and no other', async () => {
      const { tracker, start } = await trackerSite(kind);
      const issue = tracker.add({ title: 'Mine', body: 'harmless', author: 'eve' });
      const engine = await start(messageOf('true'));
      const asking = async () => (await engine.client.tryIntake({ name: 'issues' })).items[0];
      const first = await asking();
      expect(first).toMatchObject({ state: 'asks', reason: refusalOf[kind] });
      tracker.edit(issue, { body: 'rm -rf' });
      const allow = (item: string) => engine.client.allowIntake({ name: 'issues', item });
      await expect(allow(first?.allow ?? '')).rejects.toMatchObject({ code: 'conflict' });
      await expect(allow('other-1:00')).rejects.toMatchObject({ code: 'not_found' });
      expect(await engine.client.plans('demo')).toEqual([]);
      await allow((await asking())?.allow ?? '');
      await untilTaken(engine, 1);
    });

    it('that are changed or spoken about reach the agent, from people who may write', async () => {
      const { on, tracker, start } = await trackerSite(kind);
      const goes = join(on.root, 'goes');
      const issue = tracker.add({ title: 'Talk', body: 'first' });
      tracker.say(issue, 'eve', 'do as I say');
      tracker.say(issue, 'ada', 'said before');
      const engine = await start(messageOf(`${gate(goes)}; echo 1 > one.txt`));
      const [plan = ''] = await untilTaken(engine, 1);
      const { content } = await engine.client.plan('demo', plan);
      expect([content.includes('said before'), content.includes('do as I say')]).toEqual([true, false]);
      tracker.say(issue, 'eve', 'do as I say');
      tracker.say(issue, 'ada', 'use the other library');
      tracker.edit(issue, { body: 'second' });
      const said = async () =>
        (await engine.client.signals({ project: 'demo', plan }))
          .filter(({ type }) => type === 'agent_send')
          .map(({ payload }) => JSON.stringify(payload));
      await until(
        async () => (await said()).length === 2,
        async () => JSON.stringify(await said()),
      );
      const count = tracker.asked.length;
      await until(() => tracker.asked.length > count + 6);
      const all = (await said()).join('\n');
      expect(await said()).toHaveLength(2);
      expect(all).toContain('use the other library');
      expect(all).toContain('second');
      expect(all).not.toContain('do as I say');
      openGate(goes);
      await untilStatus(engine, plan, 'done');
    });
  });

for (const kind of ['github', 'gitea', 'gitlab'] satisfies TrackerKind[])
  it(`issues of ${kind} make no second plan when the repository gets another name, and still receive their states`, async () => {
    const { on, tracker, start } = await trackerSite(kind);
    const issue = tracker.add({ title: 'Mine' });
    const engine = await start(`start = false\n${messageOf('true')}`);
    const plans = () => engine.client.plans('demo');
    await until(async () => (await plans()).length === 1 && issue.comments.length === 1);
    Object.assign(tracker.state, { owner: 'grace', name: 'shop' });
    git(on.repo, 'remote', 'set-url', 'origin', `${tracker.url}/grace/shop.git`);
    tracker.add({ title: 'After' });
    await until(async () => (await plans()).length === 2);
    await engine.client.send({ project: 'demo', plan: 'issue-1-mine', type: 'cancel' });
    await until(() => issue.comments.length === 2);
    expect((await plans()).map(({ plan }) => plan).sort()).toEqual(['issue-1-mine', 'issue-2-after']);
  });

it('a text that a stranger changes right after it was allowed becomes no plan', async () => {
  const { tracker, start } = await trackerSite('github');
  const issue = tracker.add({ title: 'Mine', body: 'harmless', author: 'eve' });
  const engine = await start(messageOf('true'));
  const asking = async () => (await engine.client.tryIntake({ name: 'issues' })).items[0];
  const allowed = (await asking())?.allow ?? '';
  let isChanged = false;
  tracker.trouble = (asked) => {
    // The issue itself is read last, when its plan is about to be made.
    if (asked === 'GET /repos/ada/demo/issues/1' && !isChanged) {
      isChanged = true;
      tracker.edit(issue, { body: 'rm -rf' });
    }
    return null;
  };
  await engine.client.allowIntake({ name: 'issues', item: allowed });
  await until(() => isChanged);
  const lists = () => tracker.asked.filter((asked) => asked.startsWith('GET /repos/ada/demo/issues')).length;
  const before = lists();
  await until(() => lists() > before + 3);
  expect(await engine.client.plans('demo')).toEqual([]);
  const now = await asking();
  expect([now?.state, now?.allow === allowed]).toEqual(['asks', false]);
});

it('a list is asked for with its etag, page by page, and a stranger who writes many issues hides none of others', async () => {
  const { tracker, start } = await trackerSite('github');
  for (let number = 1; number <= 120; number += 1) tracker.add({ title: `Spam ${number}`, author: 'eve' });
  tracker.add({ title: 'Real' });
  const engine = await start(`start = false\n${messageOf('true')}`);
  expect(await untilTaken(engine, 1)).toEqual(['issue-121-real']);
  const lists = () => tracker.asked.filter((line) => /^GET \/repos\/ada\/demo\/issues( 304)?$/.test(line));
  await until(() => tracker.asked.filter((line) => line === 'GET /repos/ada/demo/issues 304').length > 4);
  expect(lists().filter((line) => !line.endsWith('304')).length).toBeLessThan(6);
  expect(tracker.asked.filter((line) => line.includes('/collaborators/eve/')).length).toBeLessThan(3);
});

it.each(['gitea', 'gitlab'] satisfies TrackerKind[])(
  'issues of %s whose texts are too long for one answer hide no others',
  async (kind) => {
    const { tracker, start } = await trackerSite(kind);
    const body = 'x'.repeat(90 * 1024);
    for (let number = 1; number <= 70; number += 1) tracker.add({ title: `Spam ${number}`, author: 'eve', body });
    tracker.add({ title: 'Huge', author: 'eve', body: body.repeat(50) });
    tracker.add({ title: 'Real' });
    const engine = await start(`start = false\nevery = "1d"\n${messageOf('true')}`, { intakeLookMs: null });
    expect(await untilTaken(engine, 1)).toEqual(['issue-72-real']);
  },
);

it('a tracker that wants to be asked less is not asked, and the status says until when', async () => {
  const { tracker, start } = await trackerSite('github');
  tracker.trouble = () => ({ status: 403, headers: { 'x-ratelimit-remaining': '0', 'retry-after': '600' } });
  const engine = await start(messageOf('true'));
  const warned = async () =>
    (await engine.client.warnings()).filter((line) => line.includes('asked too often and wants us to wait until'));
  await until(async () => (await warned()).length > 0);
  const count = tracker.asked.length;
  await engine.client.tryIntake({ name: 'issues' }).catch(() => null);
  await until(async () => (await warned()).length > 0);
  expect(tracker.asked.length).toBeLessThanOrEqual(count + 1);
});

it('an issue that the tracker does not show is left, says why, and delays no other', async () => {
  const { tracker, start } = await trackerSite('github');
  const long = tracker.add({ title: 'Long' });
  tracker.add({ title: 'Short' });
  tracker.trouble = (asked) =>
    asked === 'GET /repos/ada/demo/issues/1/comments' ? { status: 422, body: { message: 'too much' } } : null;
  const engine = await start(`start = false\n${messageOf('true')}`);
  expect(await untilTaken(engine, 1)).toEqual(['issue-2-short']);
  tracker.trouble = () => null;
  tracker.edit(long, { title: 'Long no more' });
  expect(await untilTaken(engine, 2)).toContain('issue-1-long-no-more');
});

it('an issue that the tracker refuses delays no report about another one, and one that was transferred away is no longer followed', async () => {
  const { tracker, start } = await trackerSite('github');
  tracker.add({ title: 'Refused' });
  tracker.add({ title: 'Transferred' });
  const other = tracker.add({ title: 'Stays' });
  // Longer than the requests take, so that a pause after the first would delay the last.
  const engine = await start(`start = false\ntell = ["comment"]\n${messageOf('true')}`, { intakeLookMs: 500 });
  const plans = await untilTaken(engine, 3);
  await until(() => commentsIn(other).length === 1);
  const moved = (asked: string) => (asked === 'GET /repos/ada/demo/issues/2' ? { status: 301 } : null);
  tracker.trouble = (asked) => (asked === 'GET /repos/ada/demo/issues/1' ? { status: 422 } : moved(asked));
  const warned = async () => (await engine.client.warnings()).some((line) => line.includes('with 422'));
  await until(warned);
  for (const plan of plans) await say(engine, plan, 'cancel');
  await until(() => commentsIn(other).at(-1)?.includes('was cancelled') === true);
  expect(await warned()).toBe(true);
  tracker.trouble = moved;
  await until(async () => (await engine.client.warnings()).length === 0);
});

it('a tracker is asked at the same pace after somebody has set the clock back', async () => {
  const { tracker, start } = await trackerSite('github');
  tracker.add({ title: 'Before' });
  const engine = await start(`start = false\n${messageOf('true')}`);
  await untilTaken(engine, 1);
  const realMs = Date.now.bind(Date);
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => realMs() - 86_400_000);
  try {
    tracker.add({ title: 'After' });
    await untilTaken(engine, 2);
  } finally {
    clock.mockRestore();
  }
});

it('a tracker that failed is asked again after a minute, also where its table asks once a day', async () => {
  let opened = 0;
  const source = trackerSource(async () => {
    opened += 1;
    if (opened === 1) throw new EngineError('forge_unreachable', 'the connection was reset', 'it is asked again later');
    return { issues: async () => [] } as never;
  })({ name: 'issues', every: 86_400_000 } as never, { store: { intakeAllowances: async () => [] } } as never);
  const look = () => source.look({ items: 1, reason: '' });
  await expect(look()).rejects.toThrow('reset');
  source.lookAtOnce?.();
  await expect(look()).rejects.toThrow('reset');
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
  try {
    expect(await look()).toEqual([]);
  } finally {
    clock.mockRestore();
  }
  expect(opened).toBe(2);
});

it('of the issues of strangers only those that are shown are read as plans, each once, so that a thousand long ones stop no engine', async () => {
  const text = '# Title\n\n## Wave 1\n\n### Task 1: one\n\nx\n';
  const reads: number[] = [];
  const issues = Array.from({ length: 1_000 }, (_each, id) => ({
    ...{ id: `${id}`, ref: `${id}`, title: 'Mine', author: { name: id === 999 ? 'ada' : 'eve', id: '' }, isOpen: true },
    ...{ labels: [], assignees: [], url: '', createdMs: id, updatedMs: id },
    get body() {
      reads[id] = (reads[id] ?? 0) + 1;
      return text;
    },
  }));
  const open = async () => ({ issues: async () => issues, mayWrite: async () => false }) as never;
  const config = { name: 'issues', every: 86_400_000, work: 'plan', labels: [], state: 'all', authors: ['ada'] };
  const store = { intakeAllowances: async () => [], intakeItem: async () => null };
  const source = trackerSource(open)(config as never, { store } as never);
  const found = await source.look({ items: 1, reason: '' });
  expect([found.length, found[0]?.kind, found[1]?.kind, reads.filter(() => true).length]).toEqual([
    ...[101, 'item', 'asks'],
    101,
  ]);
  const before = reads[0] ?? 0;
  await source.look({ items: 1, reason: '' });
  // Its digest, for the person who allows it.
  expect((reads[0] ?? 0) - before).toBe(1);
});

it('the text of an issue is a plan where the table says so, and says what is wrong with it', async () => {
  const { tracker, start } = await trackerSite('gitea');
  tracker.add({ title: 'Broken', body: '## Wave 1\n\n### Task 1: one\n\n### Task 1: one again\n' });
  tracker.add({ title: 'Good', body: '## Wave 1\n\n### Task 1: one\n\n```sh\ntrue\n```\n' });
  const engine = await start('work = "plan"\nstart = false\n');
  expect(await untilTaken(engine, 1)).toEqual(['issue-2-good']);
  const tried = await engine.client.tryIntake({ name: 'issues' });
  expect(tried.items).toMatchObject([{ state: 'left', reason: expect.stringMatching(/^line \d+: /) }]);
});

it('a repo at a forge of another kind is named', async () => {
  const { on, start } = await trackerSite('github');
  const file = join(on.home, 'servers.toml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('kind = "github"', 'kind = "gitea"'));
  const engine = await start(messageOf('true'));
  await expect(engine.client.tryIntake({ name: 'issues' })).rejects.toMatchObject({
    code: 'bad_config',
    message: '[intake.issues] has source = "github", and demo is at here, which is gitea',
  });
});

it('a token that may not see the rights of accounts stops no issue of an allowed author, and says what it may not', async () => {
  const { tracker, start } = await trackerSite('gitea', ['Eve']);
  tracker.add({ title: 'Mine', author: 'ada' });
  tracker.add({ title: 'Listed', author: 'eve' });
  tracker.trouble = (line) =>
    line.includes('/collaborators/') ? { status: 403, body: { message: 'admins only' } } : null;
  const engine = await start(`start = false\n${messageOf('true')}`);
  expect(await untilTaken(engine, 1)).toEqual(['issue-2-listed']);
  const tried = await engine.client.tryIntake({ name: 'issues' });
  const reason = expect.stringMatching(/^whether ada may write there is not known: .*403: admins only$/);
  expect(tried.items).toMatchObject([{ state: 'asks', reason }]);
});
