/** The pull request of an issue's session: it closes that issue and no other, and when it is merged the session has nothing to lose. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import { begin, planText, script, type TestEngine, untilBlocked, untilPlan } from '../support/engine.ts';
import { addPull } from '../support/forge-server.ts';
import { type Site, site, start } from '../support/forge-site.ts';
import { git } from '../support/ground.ts';

const referenceOf = ({ forge }: Site) => `${new URL(forge.url).host}/ada/demo#12`;
const planOf = ({ forge }: Site) => `${new URL(forge.url).host.replace(':', '-')}-ada-demo-12`;

/** A session whose agent asks once, and then changes a file. */
async function session(kind: ForgeKind, config = ''): Promise<{ where: Site; engine: TestEngine }> {
  const where = await site(kind);
  where.forge.state.issues.set(12, {
    title: 'Fixes #99 for @everyone',
    body: 'It is empty.',
    author: 'eve',
    state: 'open',
    comments: [],
  });
  if (config !== '') {
    mkdirSync(join(where.on.repo, '.stator'));
    writeFileSync(join(where.on.repo, '.stator', 'config.toml'), config);
  }
  const program = script(
    join(where.on.root, 'agent'),
    `if [ ! -e '${where.on.root}/asked' ]; then touch '${where.on.root}/asked'; stator signal emit needs_decision --payload 'tabs or spaces?' >/dev/null; exit 1; fi
echo 'I took tabs.'; date > work.txt`,
  );
  const agents = {
    default: { preset: 'sh', attempts: 1 },
    session: { preset: 'command', program, sandbox: 'off' },
  } as const;
  return { where, engine: await start(where, { agents }) };
}

async function untilOpen({ where, engine }: { where: Site; engine: TestEngine }) {
  const [reference, plan] = [referenceOf(where), planOf(where)];
  await engine.client.startIssue({ reference, message: 'fill it' });
  await untilBlocked(engine, plan);
  await engine.client.continueIssue({ reference, message: 'tabs' });
  await untilPlan(engine, plan, (one) => one.pull_request?.state === 'open' && !one.creating_pr);
  const [pull] = [...where.forge.state.pulls.values()];
  if (pull === undefined) throw new Error('it was made');
  return pull;
}

describe('the pull request of a session', () => {
  it('closes its issue, and no other that a stranger names', async () => {
    const pull = await untilOpen(await session('gitlab'));
    expect(pull.body).toMatch(/^Closes #12$/m);
    expect(`${pull.title}\n${pull.body}`).not.toMatch(/#99|@everyone/);
  });

  it('closes none where close_issues is off', async () => {
    const pull = await untilOpen(await session('gitea', 'close_issues = false\n'));
    expect(pull.body).not.toContain('Closes');
  });

  it('is merged with a head that the forge made, and the session goes with its branch', async () => {
    const { where, engine } = await session('github');
    const pull = await untilOpen({ where, engine });
    pull.state = 'merged';
    pull.headCommit = '3'.repeat(40);
    // As after a fetch that prunes what the forge deleted with the merge.
    for (const ref of git(where.on.repo, 'for-each-ref', '--format=%(refname)', 'refs/remotes').split('\n'))
      if (ref !== '') git(where.on.repo, 'update-ref', '-d', ref);
    const reference = referenceOf(where);
    expect(await engine.client.destroyIssue({ reference })).toMatchObject({ status: 'destroyed', notes: [] });
    expect(git(where.on.repo, 'branch', '--list', 'fix/*')).toBe('');
  });

  it('that a person named and the forge merged with a head that is not here has the work in it, and the session goes with its branch', async () => {
    const { where, engine } = await session('gitea');
    const reference = referenceOf(where);
    where.forge.trouble = (asked) => (/^POST .*(?:pulls|merge_requests)$/.test(asked) ? { status: 422 } : null);
    await engine.client.startIssue({ reference, message: 'fill it' });
    await untilBlocked(engine, planOf(where));
    await engine.client.continueIssue({ reference, message: 'tabs' });
    await untilPlan(engine, planOf(where), (one) => one.pr_refused !== null);
    const branch = git(where.on.repo, 'branch', '--list', 'fix/*', '--format=%(refname:short)');
    const own = git(where.on.repo, 'rev-parse', branch);
    for (const ref of git(where.on.repo, 'for-each-ref', '--format=%(refname)', 'refs/remotes').split('\n'))
      if (ref !== '') git(where.on.repo, 'update-ref', '-d', ref);
    const pull = addPull(where.forge.state, { head: 'theirs', base: 'main', state: 'merged' });
    pull.headCommit = '3'.repeat(40);
    const url = `${where.forge.url}/ada/demo/pulls/${pull.number}`;
    await engine.client.setPullRequest({ reference, url });
    pull.commits = ['3'.repeat(40)];
    await expect(engine.client.destroyIssue({ reference })).rejects.toMatchObject({ code: 'refused' });
    pull.commits = [own, '3'.repeat(40)];
    expect(await engine.client.destroyIssue({ reference })).toMatchObject({ status: 'destroyed', notes: [] });
    expect(git(where.on.repo, 'branch', '--list', 'fix/*')).toBe('');
  });

  it('has the questions of its agent and the words of a command in its context', async () => {
    const { where, engine } = await session('gitea');
    await untilOpen({ where, engine });
    const { messages } = await engine.client.issueContext({ reference: referenceOf(where) });
    expect(messages.map(({ by, content }) => [by, content])).toEqual([
      ['person', 'fill it'],
      ['agent', 'tabs or spaces?'],
      ['person', 'tabs'],
      ['agent', 'I took tabs.'],
    ]);
  });
});

it('a session of an issue that is not there starts no agent', async () => {
  const { where, engine } = await session('gitlab');
  where.forge.state.issues.delete(12);
  await expect(engine.client.startIssue({ reference: referenceOf(where), message: 'fill it' })).rejects.toMatchObject({
    code: 'not_found',
    hint: expect.stringContaining('stator server get here'),
  });
  const delegated = engine.client.delegate({ message: `look at ${referenceOf(where)}` });
  await expect(delegated).rejects.toMatchObject({ code: 'not_found' });
  expect([await engine.client.issues(), await engine.client.instances({})]).toEqual([[], []]);
});

it('the text that a person wrote into their plan is unchanged in its pull request', async () => {
  const where = await site('github');
  const engine = await start(where);
  const goal = '**Goal:** Fixes #3, as @ada said <soon>';
  const text = planText(['echo a > a.txt']).replace('# A plan\n', `# A plan\n\n${goal}\n`);
  await begin(engine, 'login', text);
  await untilPlan(engine, 'login', (one) => one.pull_request?.state === 'open' && !one.creating_pr);
  expect([...where.forge.state.pulls.values()][0]?.body).toContain('Fixes #3, as @ada said <soon>');
});
