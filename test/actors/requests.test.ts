/** What each named action of the engine's machines asks of the outside, with the data that it takes from its actor. */
import { describe, expect, it } from 'vitest';
import { bindLanding } from '../../actors/landing.ts';
import { bindPlan, runOf } from '../../actors/plan.ts';
import type { Ports } from '../../actors/ports.ts';
import { bindRepo } from '../../actors/repo.ts';
import { bindSupervisor } from '../../actors/supervisor.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { Entrant, LandingContext } from '../../machines/landing/machine.ts';
import { noMerge } from '../../machines/vocabulary/plan-merge.ts';
import { noPull, type PullRequest, type StackLayer } from '../../machines/vocabulary/plan-pull.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { contextOf } from '../support/family.ts';
import { ofPolicy, planWith } from '../support/one-action.ts';

/** Ports that list what they are asked. */
function listing() {
  const asked: unknown[] = [];
  const note =
    (port: string) =>
    (...given: unknown[]) =>
      asked.push([port, ...given]);
  const ports: Ports = {
    ask: note('ask'),
    timer: note('timer'),
    stop: note('stop'),
    document: note('document'),
    sendSignal: note('signal') as Ports['sendSignal'],
    sendAny: note('signal'),
  };
  return { asked, ports };
}

interface Bound {
  readonly implementations: { readonly actions: object; readonly actors: object };
}
interface Given {
  readonly context?: object;
  readonly event?: object;
  readonly params?: unknown;
}

/** The requests of one action. */
function requestsOf(bind: (ports: Ports) => Bound, name: string, { context = {}, event = {}, params }: Given) {
  const { asked, ports } = listing();
  const { actions } = bind(ports).implementations;
  const action = (actions as Record<string, (args: object, params: unknown) => void>)[name];
  if (action === undefined) throw new Error(`no action is called ${name}`);
  action({ context, event }, params);
  return asked;
}

const below =
  (...names: string[]) =>
  (ports: Ports) =>
    names.reduce<Bound>(
      (machine, name) => (machine.implementations.actors as Record<string, Bound>)[name] as Bound,
      bindPlan(ports),
    );

const atStart = { project: 'demo', branch: 'plan/hello', topic: null, priority: 0 };
const ofPlan = (name: string, more: object = {}, given: Omit<Given, 'context'> = {}) =>
  requestsOf(bindPlan, name, { ...given, context: planWith({ ...atStart, ...more }) });

describe('a plan asks its repo', () => {
  it('for the right to implement, with its files only if plans wait for each other’s', () => {
    const files = ['a.txt', 'b.txt'];
    const waves = [
      { number: 1, tasks: files.map((file, index) => ({ number: index + 1, title: file, files: [file], after: [] })) },
    ];
    const own = { topic: 'shop', after: ['other'] };
    const request = { plan: 'hello', topic: 'shop', after: ['other'], priority: 0, request: 3 };
    expect(ofPlan('askGrant', { ...own, waves, ...ofPolicy({ overlap: 'wave' }) })).toEqual([
      ['signal', 'repo:demo', 'implement_requested', request],
    ]);
    expect(ofPlan('askGrant', { ...own, waves, ...ofPolicy({ overlap: 'serial', priority: 7 }) })).toEqual([
      ['signal', 'repo:demo', 'implement_requested', { ...request, priority: 7, files }],
    ]);
  });

  it.each([
    ['reportReleased', 'implement_released'],
    ['reportRepoDone', 'plan_done'],
    ['reportRepoUndone', 'plan_undone'],
  ])('by %s, with its name', (name, type) => {
    expect(ofPlan(name)).toEqual([['signal', 'repo:demo', type, { plan: 'hello' }]]);
  });

  it('for its base, brought up to date where its landing wants that and a wave has run', () => {
    const refreshed = ofPolicy({ landing_refresh_ms: 60_000 });
    const base = { kind: 'branch.base', id: '#5', branch: 'plan/hello', after: [] };
    expect(ofPlan('askBase', { ...refreshed, wave: 0 })).toEqual([['ask', base]]);
    expect(ofPlan('askBase', { ...ofPolicy({ landing_refresh_ms: null }), wave: 1 })).toEqual([['ask', base]]);
    const of = (more: object) => ofPlan('askBase', { ...refreshed, wave: 1, ...more });
    expect(of({})).toEqual([['ask', { ...base, refresh: { contained: false } }]]);
    expect(of({ fresh: { at: 1, mends: 0, before: null } })).toEqual(of({}));
    expect(of({ fresh: { at: 1, mends: 1, before: null } })).toEqual([
      ['ask', { ...base, refresh: { contained: true } }],
    ]);
  });
});

describe('a plan asks for', () => {
  it('a message that no agent gets to be reported to itself', () => {
    const params = { number: 1, kind: 'message', title: 'hello-coder', author: 'person', text: 'hi', why: 'done' };
    expect(ofPlan('reportRefused', {}, { params })).toEqual([['signal', 'plan:demo/hello', 'word_refused', params]]);
  });

  it('the archive of its branch, and a delayed signal', () => {
    expect(ofPlan('askArchive', { pass: 2 })).toEqual([
      ['ask', { kind: 'branch.archive', id: '#5', branch: 'plan/hello', pass: 2 }],
    ]);
    expect(ofPlan('askTimer', { dueAt: 70 })).toEqual([['timer', { id: '#4', dueAt: 70 }]]);
  });

  it('worktrees to be removed: its own, and that of a draft', () => {
    const own = { kind: 'worktree.remove', id: '#6', place: { branch: 'plan/hello', from: 'plan/hello' } };
    expect(ofPlan('askRemoval')).toEqual([['ask', own]]);
    expect(ofPlan('askRemoval', { session: null })).toEqual([['ask', own]]);
    expect(ofPlan('askRemoval', { session: { folder: 'issue-7' } })).toEqual([
      ['ask', { ...own, place: { ...own.place, folder: 'issue-7' } }],
    ]);
    expect(ofPlan('askDraftRemoval', {}, { params: 2 })).toEqual([
      ['ask', { ...own, place: { branch: 'plan/hello-draft-2', from: 'plan/hello' } }],
    ]);
  });

  it('the chosen draft to become its document', () => {
    const draft = {
      number: 1,
      childId: 'planner-1.1',
      title: 'hello-plan-1',
      state: 'failed',
      content: 'x',
      detail: '',
    };
    const chosen = { ...draft, number: 2, state: 'chosen', content: '# Two' };
    expect(ofPlan('showDraft', { drafts: [draft, chosen] })).toEqual([['document', '# Two']]);
    expect(ofPlan('showDraft', { drafts: [draft, { ...chosen, content: null }] })).toEqual([]);
    expect(ofPlan('showDraft', { drafts: [draft] })).toEqual([]);
    expect(ofPlan('showDraft')).toEqual([]);
  });
});

const layer: StackLayer = {
  ...{ name: 'w1', title: 'a; b', branch: 'stack/hello/w1', number: 8, url: 'https://forge.example/8' },
  ...{ state: 'open', head: 'part', base: 'main' },
};
const request: PullRequest = {
  ...{ number: 7, url: 'https://forge.example/7', server: 'forge', head: 'pushed', pass: 0, cycles: 0, failing: {} },
};
const approved = { verifiedSha: 'checked', reviewedSha: 'seen' };
const approval = { sha: 'checked', by: 'verifier' };
const merge = { ...noMerge, work: '#8' };
const pull = { ...noPull, work: '#9', request };

describe('a done plan asks for its merge', () => {
  it('with a message that names it, its approval, and the branch that a person named', () => {
    const asked = { kind: 'plan.merge', id: '#8', branch: 'plan/hello', into: null, approved: approval };
    expect(ofPlan('askPlanMerge', { ...approved, merge, title: null })).toEqual([
      ['ask', { ...asked, message: 'Merge plan hello' }],
    ]);
    const message = 'Merge plan hello: A shop';
    const of = (more: object) =>
      ofPlan('askPlanMerge', { ...approved, title: 'A shop', merge: { ...merge, into: 'next', ...more } });
    expect(of({})).toEqual([['ask', { ...asked, into: 'next', message }]]);
    expect(of({ withAfter: false })).toEqual(of({}));
    expect(of({ withAfter: true })).toEqual([['ask', { ...asked, into: 'next', message, withAfter: true }]]);
  });

  it('in the line of the target branch: it is looked up, joined and left', () => {
    const found = { kind: 'landing.find', id: '#8', branch: 'plan/hello', into: null };
    expect(ofPlan('askLine', { merge, pull })).toEqual([['ask', found]]);
    expect(ofPlan('askLine', { merge: { ...merge, into: 'next' } })).toEqual([['ask', { ...found, into: 'next' }]]);
    const waiting = { ...approved, title: null, merge: { ...merge, into: 'release/1' }, pull };
    const line = 'landing:demo/release:1';
    const joined = { plan: 'hello', branch: 'plan/hello', message: 'Merge plan hello', approval, request: '#8' };
    expect(ofPlan('reportJoined', waiting)).toEqual([
      ['signal', line, 'landing_opened', {}],
      ['signal', line, 'landing_joined', joined],
    ]);
    expect(ofPlan('reportLineLeft', waiting)).toEqual([
      ['signal', line, 'landing_left', { plan: 'hello', request: '#8' }],
    ]);
  });

  it('by its forge, with the pull request, and those of the members that it changes', () => {
    const of = (more: object, merged: object = {}) =>
      ofPlan('askLine', {
        merge: { ...merge, byForge: true, ...merged },
        pull: { ...pull, request: { ...request, ...more } },
      });
    const found = { kind: 'landing.find', id: '#8', branch: 'plan/hello', into: null };
    expect(of({})).toEqual([['ask', { ...found, pull: { number: 7, head: 'pushed' } }]]);
    expect(of({ stack: [layer], stackMode: 'wave' })).toEqual(of({}));
    expect(of({}, { byForge: false })).toEqual([['ask', found]]);
    const members = [{ name: 'w1', number: 8, head: 'part' }];
    expect(of({ stack: [layer], stackMode: 'member' })).toEqual([
      ['ask', { ...found, pull: { number: 7, head: 'pushed', members } }],
    ]);
    expect(of({ stackMode: 'member' })).toEqual([
      ['ask', { ...found, pull: { number: 7, head: 'pushed', members: [] } }],
    ]);
    expect(ofPlan('askLine', { merge: { ...merge, byForge: true } })).toEqual([['ask', found]]);
    expect(ofPlan('askLine', { merge: { ...merge, byForge: true }, pull: { ...pull, request: null } })).toEqual([
      ['ask', found],
    ]);
    const into = { ...merge, byForge: true, into: 'main' };
    expect(ofPlan('reportJoined', { ...approved, merge: into, pull }).at(-1)).toMatchObject([
      ...['signal', 'landing:demo/main', 'landing_joined'],
      { pull: { number: 7, head: 'pushed' } },
    ]);
  });

  it.each(['askLine', 'askPlanMerge', 'reportJoined', 'reportLineLeft', 'askPlanPull', 'askPullMerge'])(
    'and %s without a request of its own is a fault',
    (name) => {
      for (const more of [{}, { merge: { ...merge, work: null, into: 'main' }, pull: noPull }])
        expect(() => ofPlan(name, more, { params: 'now' })).toThrow(/id/);
    },
  );
});

describe('a plan asks its forge for', () => {
  it('its pull request: a new one, or more commits in the one that it has', () => {
    const asked = { kind: 'plan.pull', id: '#9', branch: 'plan/hello', approved: approval, request: null };
    expect(ofPlan('askPlanPull', { ...approved, pull: { ...pull, request: null } })).toEqual([['ask', asked]]);
    expect(ofPlan('askPlanPull', { ...approved, pull })).toEqual([['ask', { ...asked, request: 7 }]]);
  });

  it('a stack of them: no approval is for the whole work before the plan is done', () => {
    const results = { 1: { 1: done('one'), 2: done('two') } };
    const of = (asked: object) =>
      ofPlan('askPlanPull', {
        ...approved,
        ...ofPolicy({ pull_stack: 'wave' }),
        ...{ results, pull: { ...noPull, work: '#9', ...asked } },
      })[0];
    expect(of({})).toMatchObject([
      'ask',
      { kind: 'plan.pull', approved: null, request: null, stack: { isWhole: false, parts: [{ name: 'w1' }] } },
    ]);
    expect(of({ asked: { parts: 1, head: 'x', byHand: false } })).toMatchObject([
      'ask',
      { kind: 'plan.pull', approved: approval, stack: { isWhole: true } },
    ]);
  });

  it('the merge of its pull request, and its withdrawal', () => {
    const asked = { kind: 'pull.merge', branch: 'plan/hello', number: 7, head: 'pushed' };
    expect(ofPlan('askPullMerge', { pull }, { params: 'schedule' })).toEqual([
      ['ask', { ...asked, id: '#9', act: 'schedule' }],
    ]);
    expect(ofPlan('askMergeWithdrawal', { pull })).toEqual([['ask', { ...asked, id: '#6', act: 'withdraw' }]]);
    const none = { ...asked, number: 0, head: '' };
    expect(ofPlan('askPullMerge', { pull: { ...pull, request: null } }, { params: 'schedule' })).toEqual([
      ['ask', { ...none, id: '#9', act: 'schedule' }],
    ]);
    for (const pull of [undefined, null, noPull])
      expect(ofPlan('askMergeWithdrawal', { pull })).toEqual([['ask', { ...none, id: '#6', act: 'withdraw' }]]);
  });
});

function done(commit: string) {
  return { status: 'done', runs: 1, reason: null, detail: '', run: 'x#1', commit };
}

const task = {
  ...contextOf('task'),
  ...{ work: 'wave-1.1/task-1.1#3', run: 'wave-1.1/task-1.1/agent#1', count: 4, committed: 'mine', at: 20 },
};
const place = { branch: 'plan/hello-w1-t1', from: 'plan/hello' };

describe.each([
  ['a task', below('task')],
  ['a task of a wave', below('wave', 'task')],
])('%s asks for', (_, bind) => {
  const of = (name: string, more: object = {}, event: object = {}) =>
    requestsOf(bind, name, { context: { ...task, ...more }, event });
  const own = { id: 'wave-1.1/task-1.1#3', place };

  it('the commit, the check and the merge of a run’s work', () => {
    const { run, message } = task as typeof task & { message: string };
    expect(of('askCommit')).toEqual([['ask', { ...own, kind: 'work.commit', run, message, aside: false }]]);
    expect(of('askCheck')).toEqual([['ask', { ...own, kind: 'work.check', run, wave: 1, task: 1 }]]);
    expect(of('askMerge')).toEqual([['ask', { ...own, kind: 'work.merge', message, commit: 'mine' }]]);
  });

  it('the end of its check, now', () => {
    expect(of('stopCheck', {}, { type: 'end', at: 30 })).toEqual([['stop', { run: own.id, stopAt: 30 }]]);
    expect(of('stopCheck', {}, { type: 'xstate.done.actor.agent' })).toEqual([['stop', { run: own.id, stopAt: 20 }]]);
  });

  it('its worktree to be put back, cleared and removed', () => {
    const last = { run: 'wave-1.1/task-1.1/agent#1' };
    const next = { id: 'wave-1.1/task-1.1#4', place };
    expect(of('askUndo', { last })).toEqual([['ask', { ...next, kind: 'work.undo', run: last.run }]]);
    expect(of('askClearing', { last })).toEqual([['ask', { ...next, kind: 'worktree.remove', unstarted: last.run }]]);
    expect(of('askRemoval')).toEqual([['ask', { ...next, kind: 'worktree.remove' }]]);
    for (const name of ['askUndo', 'askClearing']) expect(() => of(name, { last: null })).toThrow(/id/);
  });
});

const agent = {
  ...(contextOf('agent') as AgentContext),
  ...{ run: 'wave-1.1/task-1.1/agent#2', timer: 'wave-1.1/task-1.1/agent#3', count: 5, failures: 1, dueAt: 90, at: 20 },
  ...{ start: 'continue', feedback: 'no tests', previous: null },
} satisfies AgentContext;

describe.each([
  ['an agent of the plan', below('agent')],
  ['an agent of a task', below('task', 'agent')],
  ['an agent of a wave’s task', below('wave', 'task', 'agent')],
])('%s asks for', (_, bind) => {
  const of = (name: string, { context = {}, ...more }: Given = {}) =>
    requestsOf(bind, name, { ...more, context: { ...agent, ...context } });
  const { run } = agent;
  const next = { id: 'wave-1.1/task-1.1/agent#5', run };

  it('its run, and a delayed signal', () => {
    expect(of('askRun')).toEqual([['ask', runOf(agent)]]);
    expect(of('askTimer')).toEqual([['timer', { id: agent.timer, dueAt: 90 }]]);
  });

  it('the end of its run after a while', () => {
    const params = { afterMs: 30 };
    expect(of('stopRun', { event: { type: 'end', at: 50 }, params })).toEqual([['stop', { run, stopAt: 80 }]]);
    expect(of('stopRun', { event: { type: 'done' }, params })).toEqual([['stop', { run, stopAt: 50 }]]);
  });

  it('the work of a failed attempt to be stored as a ref', () => {
    const message = 'hello-w1-t1: work left by attempt 2';
    expect(of('askKeep')).toEqual([['ask', { ...next, kind: 'work.commit', place, message, aside: true }]]);
  });

  it('its processes to be frozen and thawed', () => {
    expect(of('freezeRun')).toEqual([['ask', { ...next, kind: 'agent.freeze' }]]);
    expect(of('thawRun')).toEqual([['ask', { ...next, kind: 'agent.thaw' }]]);
  });

  it('a line or a key to be typed', () => {
    const typed = (event: object) => of('askTyping', { event: { type: 'agent_type', ...event } });
    const asked = { ...next, kind: 'agent.type' };
    expect(typed({ text: 'yes' })).toEqual([['ask', { ...asked, typed: { text: 'yes' } }]]);
    expect(typed({ text: 'yes', word: null })).toEqual(typed({ text: 'yes' }));
    expect(typed({ text: 'yes', word: 3 })).toEqual([['ask', { ...asked, typed: { text: 'yes' }, word: 3 }]]);
    expect(typed({ key: 'enter' })).toEqual([['ask', { ...asked, typed: { key: 'enter' } }]]);
    expect(typed({})).toEqual([['ask', { ...asked, typed: { text: '' } }]]);
    expect(() => of('askTyping', { event: { type: 'agent_send' } })).toThrow('agent_type');
  });

  it('an answer to its program: allowed, forbidden, or denied because nobody answered in time', () => {
    const question = { id: 'p1', tool: 'Bash', detail: 'rm', askedAt: 1_000, dueAt: 61_000 };
    const answer = (event: object, permissions: object[] = [question]) =>
      of('askAnswer', { event, context: { permissions } });
    const asked = { ...next, kind: 'agent.answer', permission: 'p1', isAllowed: false, message: '' };
    expect(answer({ type: 'agent_allow' })).toEqual([['ask', { ...asked, isAllowed: true }]]);
    expect(answer({ type: 'agent_deny' })).toEqual([['ask', asked]]);
    expect(answer({ type: 'agent_deny', message: 'never' })).toEqual([['ask', { ...asked, message: 'never' }]]);
    expect(answer({ type: 'run_going', permission: 'p1', message: 'x' })).toEqual([['ask', asked]]);
    expect(answer({ type: 'timer_due' })).toEqual([
      ['ask', { ...asked, message: expect.stringMatching(/^nobody answered within 1m 00s, so it is denied; /) }],
    ]);
    expect(() => answer({ type: 'timer_due' }, [])).toThrow(/id/);
  });
});

describe('a run', () => {
  it('is what its agent asks for', () => {
    expect(runOf(agent)).toEqual({
      ...{ kind: 'agent.run', id: 'wave-1.1/task-1.1/agent#2', title: 'hello-w1-t1', role: 'coder', attempt: 2 },
      ...{ wave: 1, task: 1, place, idleMs: null, feedback: 'no tests', previous: null, start: 'continue' },
    });
    expect(runOf({ ...agent, chooses: true, agent: 'cheap' })).toEqual({
      ...{ ...runOf(agent), chooses: true, agent: 'cheap' },
    });
  });
});

describe('the line of a branch', () => {
  const entrant: Entrant = {
    ...{ plan: 'hello', branch: 'plan/hello', message: 'Merge plan hello', approval: { sha: 'a', by: 'reviewer' } },
    ...{ request: '#8', since: 1 },
  };
  const first = { entrant: { ...entrant, plan: 'first', branch: 'plan/first' }, commit: 'm1', tip: 't1' };
  const last = { entrant, commit: 'm2', tip: 't2' };
  const line: LandingContext = {
    ...(contextOf('landing') as LandingContext),
    ...{ branch: 'main', work: '#3', current: null, batch: null },
  };
  const batch = {
    merged: [first, first, last],
    base: 'before',
    check: 'npm test',
  } as unknown as LandingContext['batch'];
  const of = (name: string, more: Partial<LandingContext> = {}, given: Omit<Given, 'context'> = {}) =>
    requestsOf(bindLanding, name, { ...given, context: { ...line, ...more } });
  const byForge = { ...entrant, pull: { number: 7, head: 'pushed' } };

  it('asks for the merge of the plan at its head, on top of the plans that land with it', () => {
    const asked = { kind: 'landing.prepare', id: '#3', plan: 'hello', branch: 'plan/hello', into: 'main' };
    const more = { message: 'Merge plan hello', approved: entrant.approval };
    expect(of('askPrepare', { current: entrant })).toEqual([['ask', { ...asked, ...more, on: null }]]);
    expect(of('askPrepare', { current: byForge, batch })).toEqual([
      ['ask', { ...asked, ...more, on: 'm2', pull: byForge.pull }],
    ]);
    const empty = { merged: [], base: 'before', check: null } as unknown as LandingContext['batch'];
    expect(of('askPrepare', { current: entrant, batch: empty })).toEqual(of('askPrepare', { current: entrant }));
    expect(() => of('askPrepare')).toThrow('while no plan is at its head');
  });

  it('asks for the check and the merge of the last of the plans that land together', () => {
    const work = { id: '#3', plan: 'hello', branch: 'plan/hello', into: 'main', commit: 'm2' };
    expect(of('askCheck', { batch })).toEqual([['ask', { ...work, kind: 'landing.check', command: 'npm test' }]]);
    expect(of('askMerge', { batch })).toEqual([['ask', { ...work, kind: 'landing.merge', base: 'before', tip: 't2' }]]);
    const forge = { merged: [{ ...last, entrant: byForge }], base: 'before', check: 'x' };
    expect(of('askMerge', { batch: forge as unknown as LandingContext['batch'] })).toEqual([
      ['ask', { ...work, kind: 'landing.merge', base: 'before', tip: 't2', pull: byForge.pull }],
    ]);
    const none = { merged: [], base: 'before', check: 'x' } as unknown as LandingContext['batch'];
    for (const name of ['askCheck', 'askMerge'])
      for (const without of [null, none]) expect(() => of(name, { batch: without })).toThrow('before it was made');
  });

  it('asks for the end of its work, now', () => {
    expect(of('stopWork', {}, { event: { type: 'landing_paused', at: 40 } })).toEqual([
      ['stop', { run: '#3', stopAt: 40 }],
    ]);
  });

  it('tells each plan what became of it', () => {
    const tell = (name: string, params: object) => of(name, {}, { params: { entrant, ...params } });
    const merged = { head: 'm2', tip: 't2' };
    expect(tell('reportMerged', merged)).toEqual([
      ['signal', 'plan:demo/hello', 'plan_merged', { ...merged, into: 'main', request: '#8' }],
    ]);
    expect(tell('reportMerged', { ...merged, note: 'look' })).toEqual([
      ['signal', 'plan:demo/hello', 'plan_merged', { ...merged, into: 'main', request: '#8', note: 'look' }],
    ]);
    expect(tell('reportRefused', { refused: { why: 'conflict', files: ['a'] } })).toEqual([
      ['signal', 'plan:demo/hello', 'merge_refused', { why: 'conflict', files: ['a'], request: '#8' }],
    ]);
    expect(tell('reportLeft', {})).toEqual([['signal', 'plan:demo/hello', 'line_left', { request: '#8' }]]);
  });
});

describe('a repo', () => {
  it('tells a plan that it may implement, and a watcher that a plan is done', () => {
    const of = (name: string, params: object) => requestsOf(bindRepo, name, { context: contextOf('repo'), params });
    expect(of('reportGranted', { plan: 'hello', request: 3 })).toEqual([
      ['signal', 'plan:demo/hello', 'implement_granted', { request: 3 }],
    ]);
    expect(of('notifyWatcher', { plan: 'hello', watcher: 'deploy:1' })).toEqual([
      ['signal', { tree: 'deploy:1', type: 'plan_done', payload: { project: 'demo', plan: 'hello' } }],
    ]);
  });
});

describe('the supervisor', () => {
  it('opens the tree of a repo that was registered', () => {
    const params = { project: 'demo', policy: defaultPolicy };
    expect(requestsOf(bindSupervisor, 'openRepo', { params })).toEqual([
      ['signal', 'repo:demo', 'repo_opened', { policy: defaultPolicy }],
    ]);
  });
});
