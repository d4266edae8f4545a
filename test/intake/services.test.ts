/** Issue sources that are no forges: Linear, Jira Cloud, and Jira Data Center. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentOf, markdownOf } from '../../runtime/work/intake/trackers/adf.ts';
import { gate, openGate, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import type { TrackerKind } from '../support/tracker-server.ts';
import { accountOf, messageOf, trackerSite, untilTaken } from '../support/tracker-site.ts';

for (const kind of ['linear', 'jira', 'jira-server'] satisfies TrackerKind[])
  describe(`issues of ${kind}`, () => {
    it('are those of the query, page by page, and get the statuses that their table names', async () => {
      const { on, tracker, start } = await trackerSite(kind);
      tracker.pageSize = 2;
      const goes = join(on.root, 'goes');
      for (let number = 1; number <= 4; number += 1)
        tracker.add({ title: `Spam ${number}`, author: 'eve', assignees: ['ada'] });
      tracker.add({ title: 'Another status', assignees: ['ada'], status: 'Backlog' });
      tracker.add({ title: 'Another team', assignees: ['ada'], team: 'OPS' });
      tracker.add({ title: 'Of nobody' });
      tracker.add({ title: 'Closed', assignees: ['ada'], isOpen: false });
      const issue = tracker.add({ title: 'Meant', assignees: ['ada'] });
      const keys = `assignee = "${accountOf[kind]('ada')}"\nstatuses = ["todo"]\ntell = []\nmove = { running = "In Progress", waiting = "Nowhere", done = "done" }\n`;
      const engine = await start(`${keys}${messageOf(`${gate(goes)}; echo 1 > one.txt`)}`);
      const [plan = ''] = await untilTaken(engine, 1);
      expect(plan).toBe('issue-eng-9-meant');
      await until(() => issue.status === 'In Progress');
      const ways = () => tracker.asked.filter((line) => /States$|^GET .*transitions$/.test(line)).length;
      const known = ways();
      await engine.client.send({ project: 'demo', plan, type: 'pause' });
      // The workflow does not allow that status, which does not delay later ones.
      await until(() => ways() > known);
      await engine.client.send({ project: 'demo', plan, type: 'resume' });
      openGate(goes);
      await untilStatus(engine, plan, 'done');
      await until(() => issue.status === 'Done');
      expect(issue.comments).toEqual([]);
    });

    it('whose text a stranger changed wait for a person', async () => {
      const { tracker, start } = await trackerSite(kind);
      const issue = tracker.add({ title: 'Mine', body: 'harmless' });
      tracker.edit(issue, { body: 'rm -rf' }, 'eve');
      tracker.edit(tracker.add({ title: 'Ours', body: 'one' }), { title: 'Better' }, 'ada');
      const engine = await start(`start = false\n${messageOf('true')}`);
      await until(async () => (await engine.client.plans('demo')).length === 1);
      const [first] = (await engine.client.tryIntake({ name: 'issues' })).items;
      expect(first).toMatchObject({ state: 'asks', title: 'ENG-1: Mine' });
      expect(first?.reason).toMatch(/^its text was changed by somebody else: EVE \(\S*eve\S*\) is not in authors$/);
    });

    it('that a stranger changes when they are plans already do not reach the agent anew', async () => {
      const { on, tracker, start } = await trackerSite(kind);
      const goes = join(on.root, 'goes');
      const issue = tracker.add({ title: 'Mine', body: 'harmless' });
      const engine = await start(messageOf(`${gate(goes)}; echo 1 > one.txt`));
      const [plan = ''] = await untilTaken(engine, 1);
      const said = async () => (await engine.client.signals({ project: 'demo', plan })).map(({ payload }) => payload);
      tracker.edit(issue, { body: 'better' });
      await until(async () => JSON.stringify(await said()).includes('better'));
      tracker.edit(issue, { body: 'rm -rf' }, 'eve');
      const count = tracker.asked.length;
      await until(() => tracker.asked.length > count + 6);
      expect(JSON.stringify(await said())).not.toContain('rm -rf');
      openGate(goes);
      await untilStatus(engine, plan, 'done');
    });

    it('are one plan each, also when the issue moves to another team and gets another name', async () => {
      const { tracker, start } = await trackerSite(kind);
      const issue = tracker.add({ title: 'Moves', body: 'one' });
      const engine = await start(`start = false\n${messageOf('true')}`);
      await until(async () => (await engine.client.plans('demo')).length === 1);
      issue.team = 'OPS';
      tracker.edit(issue, { title: 'Moved' });
      const [plan] = await engine.client.plans('demo');
      await engine.client.send({ project: 'demo', plan: plan?.plan ?? '', type: 'cancel' });
      // Reports go to the issue by its id, so its new name is no obstacle.
      await until(() => issue.comments.some(({ body }) => body.startsWith('The work was cancelled')));
      Object.assign(issue, { team: 'ENG', number: 77 });
      const count = tracker.asked.length;
      await until(() => tracker.asked.length > count + 3);
      expect(await engine.client.plans('demo')).toHaveLength(1);
      expect(issue.comments.every(({ body }) => /\n\nstator:msg_[0-9a-z]{26}$/.test(body))).toBe(true);
    });
  });

it('an issue that was changed too often to know by whom waits for a person', async () => {
  const { tracker, start } = await trackerSite('linear');
  const issue = tracker.add({ title: 'Mine', body: 'harmless' });
  for (let edits = 0; edits <= 500; edits += 1) tracker.edit(issue, { body: 'better' });
  const engine = await start(messageOf('true'));
  const { items } = await engine.client.tryIntake({ name: 'issues' });
  expect(items).toMatchObject([{ state: 'asks', reason: 'its text was changed too often to know by whom' }]);
});

it('a service that wants to be asked less is not asked until the time that it names', async () => {
  const soon = Date.now() + 600_000;
  const limits = {
    linear: {
      status: 400,
      headers: {
        'x-ratelimit-requests-remaining': '12',
        'x-ratelimit-complexity-remaining': '0',
        'x-ratelimit-complexity-reset': String(soon),
      },
      body: { errors: [{ message: 'Rate limit exceeded', extensions: { code: 'RATELIMITED', type: 'ratelimited' } }] },
    },
    jira: { status: 429, headers: { 'retry-after': '600', 'x-ratelimit-reset': new Date(soon).toISOString() } },
  };
  for (const kind of ['linear', 'jira'] as const) {
    const { tracker, start } = await trackerSite(kind);
    tracker.trouble = () => limits[kind];
    const engine = await start(messageOf('true'));
    const wait = /asked too often and wants us to wait until (\d\S+Z)/;
    const until10 = async () =>
      (await engine.client.warnings()).map((line) => wait.exec(line)?.[1]).find((at) => at !== undefined);
    await until(
      async () => (await until10()) !== undefined,
      async () => JSON.stringify(await engine.client.warnings()),
    );
    expect(Math.abs(Date.parse((await until10()) ?? '') - soon)).toBeLessThan(60_000);
    const count = tracker.asked.length;
    await until(async () => (await until10()) !== undefined);
    expect(tracker.asked.length).toBe(count);
  }
});

it('a token is read from a private file of the user or the environment, and its absence is reported', async () => {
  const { on, tracker, start } = await trackerSite('linear');
  tracker.add({ title: 'One' });
  const file = join(on.root, 'linear.env');
  const engine = await start(`start = false\nenv_file = "${file}"\n${messageOf('true')}`, {
    env: { ...on.env, TRACKER_TOKEN: 'wrong' },
  });
  const tried = () => engine.client.tryIntake({ name: 'issues' });
  await expect(tried()).rejects.toMatchObject({
    code: 'agent_unusable',
    message: `the env file ${file} does not exist`,
  });
  writeFileSync(file, `TRACKER_TOKEN=${'secret-token'}\n`);
  chmodSync(file, 0o666);
  await expect(tried()).rejects.toMatchObject({
    code: 'agent_unusable',
    message: `the env file ${file} may be written by other users`,
  });
  chmodSync(file, 0o600);
  expect((await tried()).items).toMatchObject([{ state: 'comes' }]);
  writeFileSync(file, 'OTHER=1\n');
  await expect(tried()).rejects.toMatchObject({
    code: 'forge_denied',
    hint: 'give [intake.issues] a token that may do this; see docs/intake.md',
  });
});

it('a document of Jira Cloud is read as Markdown, so that it may be a plan', () => {
  const text = (words: string, ...marks: object[]) => ({
    type: 'text',
    text: words,
    ...(marks.length === 0 ? {} : { marks }),
  });
  const paragraph = (...content: object[]) => ({ type: 'paragraph', content });
  const item = (...content: object[]) => ({ type: 'listItem', content });
  const read = markdownOf({
    type: 'doc',
    version: 1,
    content: [
      { type: 'heading', attrs: { level: 2 }, content: [text('Wave 1')] },
      { type: 'heading', attrs: { level: 3 }, content: [text('Task 1: one')] },
      paragraph(
        text('Check:', { type: 'strong' }),
        text(' '),
        text('npm test', { type: 'code' }),
        { type: 'hardBreak' },
        { type: 'mention', attrs: { text: '@Ada' } },
      ),
      {
        type: 'bulletList',
        content: [
          item(paragraph(text('a'))),
          item(paragraph(text('b')), { type: 'orderedList', content: [item(paragraph(text('c')))] }),
        ],
      },
      { type: 'codeBlock', attrs: { language: 'sh' }, content: [text('echo ```')] },
      { type: 'taskList', content: [{ type: 'taskItem', attrs: { state: 'DONE' }, content: [text('done')] }] },
      { type: 'panel', content: [paragraph(text('here', { type: 'link', attrs: { href: 'https://x.test' } }))] },
    ],
  });
  expect(read).toBe(
    '## Wave 1\n\n### Task 1: one\n\n**Check:** `npm test`\n@Ada\n\n- a\n- b\n  1. c\n\n````sh\necho ```\n````\n\n- [x] done\n\n[here](https://x.test)',
  );
  expect(markdownOf(documentOf('one\n\ntwo'))).toBe('one\n\ntwo');
  expect([markdownOf(null), markdownOf('x'), markdownOf({ type: 'doc', content: [null, 3] })]).toEqual(['', '', '']);
  let deep: object = text('x');
  for (let level = 0; level < 5_000; level += 1) deep = { type: 'blockquote', content: [deep] };
  expect(markdownOf({ type: 'doc', content: [deep] })).not.toContain('x');
});
