/** The rows from which lists show a plan and its runs: which of them a batch writes, and which it leaves unchanged. */
import { describe, expect, it } from 'vitest';
import { textDigest } from '../../runtime/base/platform/text-digest.ts';
import { implementing, openInbox, plan, release, repo } from '../support/inbox-scene.ts';
import { policyWith } from '../support/plan-states.ts';
import { planText, sha } from '../support/simulation.ts';

type Inbox = Awaited<ReturnType<typeof openInbox>>;

const key = { project: 'demo', plan: 'hello' };
const engine = { origin: 'engine' } as const;

const texts = (inbox: Inbox) => [...inbox.made('plan.insert'), ...inbox.made('plan.set-text')].map(({ text }) => text);

/** The plan's runs that wait for a slot. */
const queued = async (inbox: Inbox) =>
  (await inbox.store.effects({ by: 'tree', tree: plan })).map((row) => row.key.slice(plan.length + 1));

const opening = (content: string, more: object = {}) => ({
  content,
  branch: 'plan/hello',
  topic: null,
  generation: 0,
  policy: policyWith([]),
  ...more,
});

describe('the document of a plan', () => {
  it('is a row with its goal, its author and the file that it was read from', async () => {
    const inbox = await openInbox();
    const content = planText([2]);
    await inbox.openPlan(content, { author: 'person:anna', file: 'docs/hello.md', file_as: 'stator' });
    expect(inbox.made('plan.insert')).toMatchObject([
      {
        key,
        text: { content, taken: { file: 'docs/hello.md', digest: textDigest(content), as: 'stator' } },
        author: 'person:anna',
        summary: { status: 'ready' },
        at: inbox.now(),
      },
    ]);
    expect(inbox.made('plan.set-text')).toEqual([]);
    const bare = await openInbox();
    await bare.openPlan(content);
    expect(bare.made('plan.insert')).toMatchObject([{ text: { taken: null }, author: null }]);
  });

  it('that is replaced is a text with another goal; the file is that of the replacement', async () => {
    const inbox = await openInbox();
    await inbox.openPlan(planText([2]), { author: 'person:anna', file: 'docs/hello.md' });
    const content = planText([1]).replace(/^# .*$/m, '# Another goal');
    await inbox.say('plan_updated', { content, file: 'docs/other.md' });
    expect(inbox.made('plan.insert')).toEqual([]);
    expect(inbox.made('plan.set-text')).toMatchObject([
      { key, text: { content, taken: { file: 'docs/other.md', digest: textDigest(content), as: null } } },
    ]);
  });

  it('that an agent replaces is of no file', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const content = planText([1]);
    await inbox.say('plan_updated', { content, file: 'docs/other.md' }, { origin: 'agent:planner' });
    expect(texts(inbox)).toMatchObject([{ content, taken: null }]);
  });

  it('that is replaced in the batch that registers it is one row, of its author, with the later text', async () => {
    const inbox = await openInbox();
    const content = planText([1]);
    const born = await inbox.put(
      'plan_opened',
      opening(planText([2]), { author: 'person:anna', file: 'a.md' }),
      engine,
    );
    const later = await inbox.put('plan_updated', { content });
    const done = await inbox.batch(born, later);
    expect(done.settled).toEqual([born, later]);
    expect(inbox.made('plan.insert')).toMatchObject([
      { text: { content, taken: { file: 'a.md' } }, author: 'person:anna' },
    ]);
    expect(inbox.made('plan.set-text')).toEqual([]);
  });

  it('is the one of several drafts that a person chooses, and no other one', async () => {
    const policy = policyWith(['planner'], { planner_drafts: 2, auto_advance: false });
    const inbox = await openInbox({ policy });
    await inbox.say('repo_opened', { policy }, { tree: repo, ...engine });
    await inbox.openPlan(planText([2]), { file: 'docs/hello.md' });
    await inbox.say('plan_start');
    await inbox.drain();
    const runs = await queued(inbox);
    for (const [index, run] of runs.entries()) {
      const number = index + 1;
      const own = { origin: `agent:hello-plan-${number}`, run } as const;
      await inbox.say('run_starting', {}, { ...engine, run });
      await inbox.say('run_started', { base: sha(0) }, { ...engine, run });
      expect((await inbox.say('plan_updated', { content: planText([number]) }, own)).is).toBe('done "done"');
      expect(texts(inbox)).toEqual([]);
      await inbox.say('planner_finished', {}, own);
      await inbox.say('run_exited', { code: 0, cause: 'exit', detail: '' }, { ...engine, run });
    }
    expect(runs).toHaveLength(2);
    await inbox.say('choose', { draft: 2 });
    expect(inbox.made('plan.insert')).toEqual([]);
    expect(inbox.made('plan.set-text')).toMatchObject([{ key, text: { content: planText([2]), taken: null } }]);
  });

  it('that a planner replaces is its text, as it has no draft of its own', async () => {
    const policy = policyWith(['planner']);
    const inbox = await openInbox({ policy });
    await inbox.openPlan();
    await inbox.say('plan_start');
    await inbox.drain();
    const [run] = await queued(inbox);
    if (run === undefined) throw new Error('the planner is queued');
    await inbox.say('run_starting', {}, { ...engine, run });
    await inbox.say('run_started', { base: sha(0) }, { ...engine, run });
    await inbox.say('plan_updated', { content: planText([1]) }, { origin: 'agent:hello-plan', run });
    expect(texts(inbox)).toMatchObject([{ content: planText([1]) }]);
  });
});

describe('the row of a plan', () => {
  it('is written where it looks different, and touches what may start', async () => {
    const inbox = await openInbox();
    const born = await inbox.openPlan();
    expect(inbox.made('plan.show')).toMatchObject([{ key, summary: { status: 'ready' }, at: inbox.now() }]);
    expect(born.touchedEffects).toBe(true);
    const done = await inbox.say('mark_done');
    expect(inbox.made('plan.show')).toMatchObject([{ summary: { status: 'done' } }]);
    expect(done.touchedEffects).toBe(true);
  });

  it('is not written where the same text comes again, and nothing may start then', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const again = await inbox.say('plan_updated', { content: planText([2]) });
    expect(again.is).toBe('done "done"');
    expect(inbox.made('plan.set-text')).toHaveLength(1);
    expect(inbox.made('plan.show')).toEqual([]);
    expect(again.touchedEffects).toBe(false);
  });

  it('is of a plan alone: a repo and a user-defined machine have none', async () => {
    const inbox = await openInbox();
    const shown = /^(plan|run)\./;
    const opened = await inbox.say('repo_opened', { policy: policyWith([]) }, { tree: repo, ...engine });
    const started = await inbox.say('machine_started', { version: '1.2.0' }, { tree: release, ...engine });
    expect([...opened.changes, ...started.changes].filter((change) => shown.test(change.do))).toEqual([]);
  });
});

describe('the row of a run', () => {
  /** The rows of runs that these commits wrote, or the last one, each as `title attempt state reason`. */
  const rows = (inbox: Inbox, commits = inbox.commits.slice(-1)) =>
    commits.flat().flatMap((change) => {
      if (change.do !== 'run.show') return [];
      const { run, isNewest } = change;
      const { title, attempt, state, reason } = run;
      return `${title} ${attempt} ${state}${reason === null ? '' : ` ${reason}`}${isNewest ? ', new' : ''}`;
    });

  /** The plan's two runs; the first one works. */
  async function working() {
    const inbox = await implementing();
    const [one, other] = await queued(inbox);
    if (one === undefined || other === undefined) throw new Error('two runs are queued');
    const from = { ...engine, run: one };
    await inbox.say('run_starting', {}, from);
    await inbox.say('run_started', { base: sha(0) }, from);
    return { inbox, one, other, from };
  }

  const requested = (inbox: Inbox) =>
    inbox.commits
      .flat()
      .flatMap((change) => (change.do === 'effect.insert' ? [change.effect.id] : []))
      .at(-1) ?? '';

  it('is made when it is queued, the newest of its agent, and says who, where and which attempt', async () => {
    const inbox = await implementing();
    const queued = inbox.commits.flat().filter((change) => change.do === 'run.show');
    expect(queued).toMatchObject([
      {
        run: {
          key: `${plan}/wave-1.2/task-1.1/agent#1`,
          ...key,
          run: 'wave-1.2/task-1.1/agent#1',
          title: 'hello-w1-t1',
          role: 'coder',
          attempt: 1,
          state: 'queued',
          reason: null,
          branch: expect.stringContaining('hello'),
        },
        isNewest: true,
      },
      { run: { title: 'hello-w1-t2' }, isNewest: true },
    ]);
  });

  it('follows its states, each once', async () => {
    const { inbox, one, from } = await working();
    expect(rows(inbox)).toEqual(['hello-w1-t1 1 running']);
    await inbox.say('agent_send', { title: 'hello-w1-t2', body: 'well' });
    expect(rows(inbox)).toEqual([]);
    await inbox.say('agent_pause', { title: 'hello-w1-t1' });
    expect(rows(inbox)).toEqual(['hello-w1-t1 1 paused']);
    expect(inbox.made('run.show')).toMatchObject([{ run: { run: one }, at: inbox.now() }]);
    await inbox.say('agent_resume', { title: 'hello-w1-t1' });
    expect(rows(inbox)).toEqual(['hello-w1-t1 1 running']);
    // The merge decides whether the run was a success.
    await inbox.say('run_exited', { code: 0, cause: 'exit', detail: '' }, from);
    expect(rows(inbox)).toEqual([]);
    await inbox.say(
      'work_committed',
      { head: sha(1), base: sha(0), changed: true },
      { ...engine, run: requested(inbox) },
    );
    await inbox.say('work_merged', { head: sha(2) }, { ...engine, run: requested(inbox) });
    expect(rows(inbox)).toEqual(['hello-w1-t1 1 succeeded']);
  });

  it('says why it failed; the next one is another attempt', async () => {
    const { inbox, from } = await working();
    await inbox.say('run_exited', { code: 3, cause: 'exit', detail: 'exit 3' }, from);
    expect(rows(inbox)).toEqual(['hello-w1-t1 2 backing_off exit-code']);
    expect((await inbox.store.runs({ by: 'keys', keys: [`${plan}/${from.run}`] }))[0]).toMatchObject({
      attempt: 1,
      state: 'backing_off',
      reason: 'exit-code',
    });
    await inbox.say('agent_restart', { title: 'hello-w1-t1' });
    expect(rows(inbox)).toEqual(['hello-w1-t1 2 queued, new']);
  });

  it('that is cancelled after it could not start has failed', async () => {
    const { inbox, other } = await working();
    await inbox.say('effect_failed', { reason: 'start-failed', detail: 'no such program' }, { ...engine, run: other });
    expect(rows(inbox)).toEqual(['hello-w1-t2 2 backing_off start-failed']);
    await inbox.say('cancel');
    await inbox.drain();
    expect(rows(inbox, inbox.commits)).toContain('hello-w1-t2 2 failed start-failed');
  });

  it('that waits says for what, though its agent has no failure', async () => {
    const { inbox, one } = await working();
    const own = { origin: 'agent:hello-w1-t1', run: one } as const;
    await inbox.say('needs_decision', { reason: 'who pays?' }, own);
    expect(rows(inbox)).toEqual(['hello-w1-t1 1 stopping needs_decision']);
    await inbox.say('run_exited', { code: 0, cause: 'exit', detail: '' }, { ...engine, run: one });
    expect(rows(inbox)).toEqual(['hello-w1-t1 1 waiting needs_decision']);
  });

  it('that is cancelled is no failure', async () => {
    const { inbox } = await working();
    await inbox.say('cancel');
    expect(rows(inbox)).toContain('hello-w1-t1 1 stopping');
    await inbox.drain();
    expect(rows(inbox, inbox.commits).slice(-2)).toEqual(['hello-w1-t1 1 cancelled', 'hello-w1-t2 1 cancelled']);
  });
});
