/** The table of signals: who may send each, where it goes, by which other names it is known, and which payload it has. */
import { describe, expect, it } from 'vitest';
import { roles } from '../../machines/vocabulary/ids.ts';
import { keys } from '../../machines/vocabulary/keys.ts';
import { defaultPolicy, type Policy, policySchema, samePolicy } from '../../machines/vocabulary/policy.ts';
import {
  isWordOf,
  maySend,
  type Origin,
  originKind,
  publicSignalTypes,
  type SignalType,
  signals,
  signalTypeOf,
  signalTypes,
  speakersOf,
  unknownSignal,
} from '../../machines/vocabulary/signal.ts';
import type { NamedSignalKind, Sender } from '../../machines/vocabulary/signal-kind.ts';

const sha = 'a'.repeat(40);
const policy: Policy = {
  ...{ auto_advance: true, auto_advance_waves: false, auto_review_fix: true, auto_readiness_review: false },
  ...{ auto_create_pr: true, auto_merge: false, landing_auto: true, landing_by: 'forge', landing_refresh_ms: 5 },
  ...{ pull_merge: 'when-green', pull_stack: 'wave', max_review_fix_cycles: 3, readiness_self_fix_max_lines: 80 },
  ...{ blueprint_skip_threshold: 2, planner_drafts: 5, require_change: true, isolation: 'plan', overlap: 'serial' },
  ...{ max_active_plans: 7, priority: -3, cleanup_age_ms: 9 },
  roles: {
    planner: { on: true, attempts: 3, timeoutMs: 2, idleMs: null, speaksByExit: false },
    architect: { on: false, attempts: 100, timeoutMs: 2, idleMs: 4, speaksByExit: true },
    coder: { on: true, attempts: 3, timeoutMs: 2, idleMs: null, speaksByExit: false, small: 'light' },
    reviewer: { on: true, attempts: 3, timeoutMs: 2, idleMs: null, speaksByExit: false },
    fixer: { on: true, attempts: 3, timeoutMs: 2, idleMs: null, speaksByExit: false },
    verifier: { on: true, attempts: 3, timeoutMs: 2, idleMs: null, speaksByExit: false },
    session: { on: true, attempts: 3, timeoutMs: 2, idleMs: null, speaksByExit: false, fixesAlone: true },
  },
};
const body = { 'body?': 'because', 'fsm_applied?': true };
const planning = { ...body, 'advance?': false };
const review = { ...body, 'reviewed_sha?': sha };
const verdict = { ...review, 'reviewed_base_sha?': sha };
const title = { title: 'login-w1-t1' };
const permission = { ...title, 'permission?': '0a1b2c3d' };
const plan = { plan: 'login' };
const files = ['src/a.ts'];
const layer = {
  ...{ name: 'w1', title: 'Wave 1', branch: 'plan/login-w1', number: 2, url: 'https://forge.example/2' },
  ...{ state: 'open', head: sha, base: 'main', project: 'web' },
  pushed: [{ from: sha, to: sha, without: [sha] }],
};
const stack = { 'stack?': [layer, { ...layer, number: 3 }] };
const budget = { scope: 'plan', measure: 'usd', limit: 5, spent: 4.5, title: null };

const anyone: readonly Sender[] = ['person', 'agent', 'file', 'machine'];
const people: readonly Sender[] = ['person', 'machine'];
const nobody: readonly Sender[] = [];

/** Its senders beside the engine, its addressee, and each field of its payload, with `?` those that may be absent. */
const table: Record<SignalType, readonly [from: readonly Sender[], to: string, payload: object]> = {
  plan_start: [anyone, 'plan', planning],
  planner_finished: [anyone, 'plan', body],
  planner_draft_finished: [anyone, 'plan', { planner_id: '2' }],
  choose: [['person', 'machine', 'agent'], 'plan', { ...body, draft: 9_999 }],
  implement_start: [anyone, 'plan', body],
  implement_finished: [anyone, 'plan', body],
  implement_task_finished: [anyone, 'task', { wave_number: 1, task_number: 2 }],
  elaborator_finished: [anyone, 'plan', {}],
  review_approved: [anyone, 'plan', review],
  review_changes_requested: [anyone, 'plan', review],
  verify_approved: [anyone, 'plan', verdict],
  verify_failed: [anyone, 'plan', verdict],
  needs_decision: [anyone, 'plan', { reason: 'tabs or spaces?' }],
  implement_wave: [['person', 'machine', 'file'], 'plan', { wave_number: 2 }],
  retry_wave: [people, 'plan', {}],
  advance_wave: [people, 'plan', {}],
  start_over: [people, 'plan', planning],
  reimplement: [people, 'plan', body],
  request_review: [people, 'plan', body],
  cancel: [people, 'plan', body],
  reopen: [people, 'plan', planning],
  mark_done: [people, 'plan', body],
  merge: [people, 'plan', { 'into?': null, 'with_after?': true, 'body?': 'now' }],
  land: [people, 'plan', { 'into?': 'main', 'body?': 'now' }],
  create_pr: [people, 'plan', body],
  pause: [people, 'plan', { 'wait?': true, 'body?': 'lunch' }],
  resume: [people, 'plan', body],
  resolve: [people, 'plan', { ...body, 'answers?': { 'login-w1-t1': 'tabs' }, 'accept?': true, 'restore?': true }],
  answer: [people, 'plan', { questions: [1, 2], body: 'tabs' }],
  raise_budget: [
    people,
    'plan',
    { scope: 'day', 'day?': '2026-03-01', 'usd?': 5, 'tokens?': 2_000_000, 'agent_minutes?': 90.5 },
  ],
  set_status: [people, 'plan', { status: 'done' }],
  plan_updated: [anyone, 'plan', { content: '# Login', 'file?': 'docs/login.md', 'file_as?': 'spec-kit' }],
  agent_kill: [people, 'agent', title],
  agent_restart: [people, 'agent', title],
  agent_pause: [people, 'agent', title],
  agent_resume: [people, 'agent', title],
  agent_send: [people, 'agent', { ...title, body: 'use tabs' }],
  agent_type: [['person'], 'agent', { ...title, text: 'y' }],
  agent_allow: [people, 'agent', permission],
  agent_deny: [people, 'agent', { ...permission, 'message?': 'not there' }],

  plan_opened: [
    nobody,
    'plan',
    {
      ...{ content: '# Login', branch: 'plan/login', topic: null, 'author?': 'person:anna', generation: 0, policy },
      ...{ 'file?': 'docs/login.md', 'file_as?': null, 'session?': { folder: 'login' } },
    },
  ],
  repo_opened: [nobody, 'repo', { policy }],
  supervisor_opened: [nobody, 'supervisor', {}],
  policy: [nobody, 'plan', { policy }],
  head_moved: [nobody, 'plan', { head: sha, 'since?': sha, 'lines?': 80, 'begins?': true }],
  budget_near: [nobody, 'plan', budget],
  budget_reached: [nobody, 'plan', { ...budget, title: 'login-w1-t1' }],
  budget_restored: [nobody, 'plan', {}],
  word_refused: [
    nobody,
    'plan',
    { number: 3, kind: 'message', ...title, author: 'person:anna', text: 'use tabs', why: 'its task is done' },
  ],
  run_noted: [nobody, 'plan', { ...title, about: 'refs_moved', detail: 'HEAD' }],
  run_starting: [nobody, 'agent', {}],
  run_started: [nobody, 'agent', { base: null, 'takes_input?': 'messages', 'words?': [1, 2] }],
  run_waiting: [nobody, 'agent', { permission: '0a1b2c3d', tool: 'Bash', detail: 'rm -r dist', limit_ms: 60_000 }],
  run_going: [nobody, 'agent', { permission: '0a1b2c3d' }],
  run_idle: [nobody, 'agent', {}],
  run_exited: [nobody, 'agent', { code: null, cause: 'exit', detail: '', 'until?': null, 'lines_read?': [4, 5] }],
  run_lost: [nobody, 'agent', { detail: 'it vanished' }],
  work_committed: [
    nobody,
    'plan',
    {
      ...{ head: sha, base: sha, changed: true, 'aside?': 'see the ref', 'deletions?': 'may it delete a.ts?' },
      'additions?': { question: 'may it add a key?', accepts: ['keys', 'files'] },
    },
  ],
  work_lost: [
    nobody,
    'plan',
    {
      work: [
        { ...title, run: null, commit: sha },
        { ...title, run: 'x#1', commit: sha },
      ],
      ...{ detail: 'it is gone', looked_at: 5 },
    },
  ],
  work_found: [nobody, 'plan', {}],
  work_merged: [nobody, 'plan', { head: sha }],
  work_conflicted: [nobody, 'plan', { files }],
  check_passed: [nobody, 'plan', {}],
  check_failed: [nobody, 'plan', { detail: 'exit 1' }],
  branch_archived: [nobody, 'plan', { head: sha }],
  branch_based: [nobody, 'plan', { head: sha }],
  base_conflicted: [nobody, 'plan', { files, detail: 'both changed it', 'body?': 'for the fixer' }],
  base_unmet: [nobody, 'plan', { plans: ['search', 'cart'] }],
  plan_merged: [nobody, 'plan', { head: sha, into: 'main', tip: sha, 'note?': 'pull', 'request?': '3' }],
  merge_refused: [
    nobody,
    'plan',
    { why: 'conflict', into: null, files, detail: 'both', 'body?': 'for the fixer', 'head?': sha, 'request?': '3' },
  ],
  line_found: [nobody, 'plan', { into: 'main' }],
  line_left: [nobody, 'plan', { request: '3' }],
  effect_failed: [nobody, 'plan', { detail: 'no space' }],
  timer_due: [nobody, 'plan', {}],
  agents_requeued: [nobody, 'plan', {}],
  verification_stale: [nobody, 'plan', { head: sha }],
  pr_wanted: [nobody, 'plan', {}],
  pr_opened: [
    nobody,
    'plan',
    {
      ...{ number: 7, url: 'https://forge.example/7', server: 'github.com', head: sha, ...stack },
      ...{ 'mode?': 'wave', 'taken?': 'approved' },
    },
  ],
  pr_merged: [nobody, 'plan', { head: null, into: 'main', ...stack }],
  pr_closed: [nobody, 'plan', stack],
  pr_stack_changed: [nobody, 'plan', {}],
  pr_failed: [nobody, 'plan', { detail: 'no token', 'moved?': true, ...stack }],
  pr_merge_wanted: [nobody, 'plan', { head: sha, ready: true }],
  pr_merge_unwanted: [nobody, 'plan', {}],
  pr_merge_scheduled: [nobody, 'plan', { by: 'forge' }],
  pr_merge_refused: [nobody, 'plan', { detail: 'not green' }],
  pr_changes_requested: [
    nobody,
    'plan',
    {
      ...{ body: 'rename it', ids: ['c1', 'c2'], 'layer?': 'w1' },
      'failing?': [
        { id: 'r1', name: 'build', digest: null },
        { id: 'r2', name: 'lint', digest: 'd' },
      ],
    },
  ],
  pr_needs_person: [nobody, 'plan', { detail: 'approve the deployment', ids: ['c1'] }],
  pr_remarked: [
    nobody,
    'plan',
    {
      remarks: [
        { id: 'c1', author: 'anna', text: 'nice', url: 'https://forge.example/7#c1' },
        { id: 'c2', author: 'ben', text: 'yes', url: 'https://forge.example/7#c2' },
      ],
    },
  ],
  implement_granted: [nobody, 'plan', { request: 2 }],
  implement_requested: [
    nobody,
    'repo',
    { ...plan, topic: 'ui', after: ['search'], 'files?': files, priority: 0, request: 2 },
  ],
  implement_released: [nobody, 'repo', plan],
  plan_done: [nobody, 'repo', plan],
  plan_watched: [['machine'], 'repo', { ...plan, watcher: 'release:1.2' }],
  plan_unwatched: [nobody, 'repo', { watcher: 'release:1.2' }],
  plan_undone: [nobody, 'repo', plan],
  repo_degraded: [nobody, 'repo', { reason: 'gone' }],
  repo_recovered: [nobody, 'repo', {}],
  repo_paused: [people, 'repo', {}],
  repo_resumed: [people, 'repo', {}],
  landing_opened: [nobody, 'landing', {}],
  landing_joined: [
    nobody,
    'landing',
    {
      ...{ ...plan, branch: 'plan/login', message: 'Login', approval: { sha, by: 'reviewer' }, request: '3' },
      'pull?': { number: 7, head: sha, members: [{ name: 'web', number: 8, head: sha }] },
    },
  ],
  landing_left: [nobody, 'landing', { ...plan, request: '3' }],
  landing_prepared: [nobody, 'landing', { commit: sha, base: sha, tip: sha, check: 'npm test', batch: 20 }],
  landing_moved: [nobody, 'landing', {}],
  landing_paused: [nobody, 'landing', {}],
  landing_resumed: [nobody, 'landing', {}],
  landing_first: [nobody, 'landing', plan],
  landing_removed: [nobody, 'landing', plan],
  repo_registered: [nobody, 'supervisor', { project: 'demo', policy }],
  repo_removed: [nobody, 'supervisor', { project: 'demo' }],
  supervisor_draining: [nobody, 'supervisor', {}],
  supervisor_stopped: [nobody, 'supervisor', {}],
  supervisor_started: [nobody, 'supervisor', {}],
};
const rows = signalTypes.map((type) => [type, ...table[type]] as const);
const origins: Readonly<Record<Exclude<Sender, 'engine'>, Origin>> = {
  person: 'person:anna',
  agent: 'agent:login-coder',
  file: 'file',
  machine: 'machine:release:1.2',
};
const accepts = (type: SignalType, payload: object) => signals[type].payload.safeParse(payload).success;
/** The payload of the table, with those fields in place of its own; undefined takes a field away. */
function payloadOf(type: SignalType, others: object = {}): Record<string, unknown> {
  const own = Object.entries(table[type][2]).map(([name, value]) => [name.replace('?', ''), value]);
  const all = Object.entries({ ...Object.fromEntries(own), ...others });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

describe('a signal', () => {
  it.each(rows)('%s has its senders and its addressee', (type, from, to) => {
    const kind: NamedSignalKind = signals[type];
    expect(kind.to).toBe(to);
    expect(Object.entries(origins).flatMap(([sender, origin]) => (maySend(kind, origin) ? [sender] : []))).toEqual(
      Object.keys(origins).filter((sender) => from.includes(sender as Sender)),
    );
    expect(maySend(kind, 'person')).toBe(from.includes('person'));
    expect(maySend(kind, 'engine')).toBe(true);
    expect(publicSignalTypes.includes(type)).toBe(from.includes('person'));
  });

  it.each(rows)('%s has the fields of its payload and no other', (type, _from, _to, payload) => {
    expect(signals[type].payload.parse(payloadOf(type))).toEqual(payloadOf(type));
    expect(accepts(type, payloadOf(type, { unknown: 1 }))).toBe(false);
    for (const name of Object.keys(payload)) {
      const without = payloadOf(type, { [name.replace('?', '')]: undefined });
      expect([name, accepts(type, without)]).toEqual([name, name.endsWith('?')]);
    }
  });
});

it('some signals have other names, as the files and scripts of kasmos write them', () => {
  const others: Partial<Record<SignalType, readonly string[]>> = {
    elaborator_finished: ['architect-finished'],
    review_changes_requested: [' review_changes '],
    verify_approved: ['readiness_approved', 'master_approved'],
    verify_failed: ['readiness_changes', 'readiness-changes-requested'],
    needs_decision: ['needs_input', 'blocked', 'needs_human'],
  };
  for (const type of signalTypes) {
    expect(signalTypeOf(type.replaceAll('_', '-'))).toBe(type);
    for (const name of others[type] ?? []) expect([name, signalTypeOf(name)]).toEqual([name, type]);
    const { aliases = [] }: NamedSignalKind = signals[type];
    expect(aliases).toHaveLength((others[type] ?? []).length);
  }
  for (const name of ['toString', 'plan start', '']) expect(signalTypeOf(name)).toBe(null);
});

it('an unknown signal type is answered with the type that was probably meant, if any, and with the valid types', () => {
  expect(unknownSignal(' cancle ', ['cancel', 'pause'], () => 'cancel')).toMatchObject({
    code: 'unknown_signal',
    message: 'unknown signal type "cancle"',
    hint: 'did you mean cancel? the valid types: cancel, pause',
  });
  expect(unknownSignal('x', ['cancel'], () => null).hint).toBe('the valid types: cancel');
});

it('a machine acts for the person who brought it, and every other sender for itself', () => {
  const sent: Origin[] = ['person', 'person:anna', 'file', 'engine', 'agent:login-coder', 'machine:release:1.2'];
  expect(sent.map(originKind)).toEqual(['person', 'person', 'file', 'engine', 'agent', 'person']);
});

it('agents of some roles alone may send what only these can know', () => {
  const workers = ['coder', 'fixer', 'session'];
  const own: Partial<Record<SignalType, readonly string[]>> = {
    plan_start: ['planner', 'session'],
    planner_finished: ['planner'],
    planner_draft_finished: ['planner'],
    choose: ['architect'],
    plan_updated: ['planner', 'architect'],
    implement_start: ['planner', 'session'],
    elaborator_finished: ['architect'],
    implement_finished: workers,
    implement_task_finished: workers,
    review_approved: ['reviewer'],
    review_changes_requested: ['reviewer'],
    verify_approved: ['verifier'],
    verify_failed: ['verifier'],
  };
  for (const type of signalTypes) {
    expect([type, speakersOf(type)]).toEqual([type, own[type] ?? null]);
    const allowed = roles.filter((role) => isWordOf(type, role));
    expect([type, allowed]).toEqual([type, roles.filter((role) => own[type]?.includes(role) !== false)]);
  }
});

it.each<[SignalType, string, readonly unknown[]]>([
  ['run_exited', 'cause', ['exit', 'stopped', 'withdrawn', 'start-failed', 'unusable', 'rate-limited']],
  ['run_exited', 'cause', ['resource-limit']],
  ['run_noted', 'about', ['nested_kept', 'refs_moved']],
  ['run_started', 'takes_input', [true, 'messages']],
  ['merge_refused', 'why', ['overlap', 'busy', 'conflict', 'no_branch', 'no_work', 'moved', 'after', 'lost_work']],
  ['merge_refused', 'why', ['check', 'pull', 'forge_waits', 'git']],
  ['pr_opened', 'mode', ['none', 'wave', 'task', 'member']],
  ['pr_opened', 'taken', ['approved', 'to_judge']],
  ['pr_opened', 'stack', ['open', 'merged', 'closed'].map((state) => [{ ...layer, state }])],
  ['pr_merge_scheduled', 'by', ['forge', 'stator']],
  ['landing_joined', 'approval', [null, { sha, by: 'reviewer' }, { sha, by: 'verifier' }]],
  ['word_refused', 'kind', ['message', 'answer', 'line']],
  ['budget_near', 'scope', ['plan', 'day', 'attempt']],
  ['budget_near', 'measure', ['usd', 'tokens', 'agent_minutes']],
  ['raise_budget', 'scope', ['plan', 'day', 'attempt']],
  ['set_status', 'status', ['ready', 'planned', 'planning', 'implementing', 'reviewing', 'verifying', 'cancelled']],
  ['verify_failed', 'origin', ['master', 'operator', 'force_promoted', 'auto']],
])('%s takes as its %s each of %j', (type, field, values) => {
  for (const value of values)
    expect([value, accepts(type, payloadOf(type, { [field]: value }))]).toEqual([value, true]);
});

it.each<[SignalType, string, unknown]>([
  ['pr_opened', 'stack', [{ ...layer, state: '' }]],
  ['pr_opened', 'stack', [{ ...layer, pushed: [{ from: sha }] }]],
  ['pr_opened', 'stack', [{ ...layer, head: `${sha}a` }]],
  ['head_moved', 'head', `x${sha}`],
  ['head_moved', 'head', 'A'.repeat(40)],
  ['run_going', 'permission', '0a1b2c3d4'],
  ['run_going', 'permission', 'x0a1b2c3d'],
  ['run_going', 'permission', '0a1b2c3g'],
  ['planner_draft_finished', 'planner_id', ' '],
  ['answer', 'questions', []],
  ['answer', 'questions', [0]],
  ['answer', 'body', ' \n'],
  ['agent_send', 'body', ' '],
  ['raise_budget', 'usd', 0],
  ['raise_budget', 'day', '2026-02-30'],
  ['choose', 'draft', 10_000],
  ['agent_kill', 'title', ''],
  ['landing_prepared', 'batch', 21],
  ['work_lost', 'work', []],
  ['pr_remarked', 'remarks', []],
])('%s takes no %s like %j', (type, field, value) => {
  expect(accepts(type, payloadOf(type, { [field]: value }))).toBe(false);
});

it('a text has at most 64 KiB, and a document at most 1 MiB', () => {
  expect(accepts('cancel', { body: 'x'.repeat(65_536) })).toBe(true);
  expect(accepts('cancel', { body: 'x'.repeat(65_537) })).toBe(false);
  expect(accepts('plan_updated', { content: 'x'.repeat(1_048_576) })).toBe(true);
  expect(accepts('plan_updated', { content: 'x'.repeat(1_048_577) })).toBe(false);
});

it('a verdict does not name who says it, and a reason is text from one of two fields, without the white space around', () => {
  const read = (type: SignalType, payload: object) => signals[type].payload.safeParse(payload).data;
  expect(read('verify_approved', { body: 'fine', origin: 'master' })).toEqual({ body: 'fine' });
  expect(read('verify_failed', { body: 'no', origin: 'auto' })).toEqual({ body: 'no' });
  expect(read('needs_decision', { reason: ' tabs? ' })).toEqual({ reason: 'tabs?' });
  expect(read('needs_decision', { body: 'tabs?', source: 'coder' })).toEqual({ reason: 'tabs?' });
  expect(read('needs_decision', { reason: ' ', body: 'tabs?' })).toBe(undefined);
  expect(read('needs_decision', { source: 'coder' })).toBe(undefined);
  expect(read('agent_send', { title: 'login-coder', body: ' use tabs\n' })).toEqual({
    title: 'login-coder',
    body: 'use tabs',
  });
  expect(read('answer', { questions: [1], body: ' tabs ' })).toEqual({ questions: [1], body: 'tabs' });
});

it('a person types a line of text or presses a key, and one of both', () => {
  const types = (given: object) => accepts('agent_type', { title: 'login-coder', ...given });
  for (const text of ['', 'y', 'two\nlines', 'a\tb\n', '\n\n', 'é 🙂'])
    expect([text, types({ text })]).toEqual([text, true]);
  for (const text of ['\r', 'a\x1b', '\x03b', 'a\n\x7f', '\x85', 'x'.repeat(4_001)])
    expect([text, types({ text })]).toEqual([text, false]);
  for (const key of keys) expect([key, types({ key })]).toEqual([key, true]);
  expect([types({}), types({ text: 'y', key: 'enter' }), types({ key: 'f1' }), types({ key: '' })]).toEqual(
    Array.from({ length: 4 }, () => false),
  );
});

it('a policy accepts only the choices of its keys, all roles, and numbers within their limits', () => {
  const takes = (given: object) => policySchema.safeParse({ ...policy, ...given }).success;
  const keys = {
    landing_by: ['git', 'forge'],
    pull_merge: ['manual', 'when-green'],
    pull_stack: ['none', 'wave', 'task'],
    isolation: ['task', 'plan'],
    overlap: ['wave', 'serial'],
  };
  for (const [key, choices] of Object.entries(keys)) {
    for (const choice of choices) expect([key, choice, takes({ [key]: choice })]).toEqual([key, choice, true]);
    expect([key, takes({ [key]: '' })]).toEqual([key, false]);
  }
  for (const role of roles) {
    expect([role, takes({ roles: { ...policy.roles, [role]: undefined } })]).toEqual([role, false]);
    const tried = (attempts: number) =>
      takes({ roles: { ...policy.roles, [role]: { ...policy.roles[role], attempts } } });
    expect([0, 1, 100, 101].map(tried)).toEqual([false, true, true, false]);
  }
  expect([0, 1, 5, 6].map((planner_drafts) => takes({ planner_drafts }))).toEqual([false, true, true, false]);
  expect(takes({ priorty: 1 })).toBe(false);
});

it('a policy of an earlier version has the defaults of what that version did not have', () => {
  const later = ['landing_auto', 'landing_by', 'landing_refresh_ms', 'pull_merge', 'pull_stack', 'planner_drafts'];
  const earlier = Object.entries(policy).filter(([key]) => ![...later, 'isolation', 'overlap'].includes(key));
  const read = policySchema.parse(Object.fromEntries(earlier));
  expect(read).toEqual({
    ...policy,
    ...{ landing_auto: false, landing_by: 'git', landing_refresh_ms: null, pull_merge: 'manual', pull_stack: 'none' },
    ...{ planner_drafts: 1, isolation: 'task', overlap: 'wave' },
  });
  expect(samePolicy(read, Object.fromEntries(earlier) as Policy)).toBe(true);
  expect(samePolicy(policy, Object.fromEntries(Object.entries(policy).reverse()) as Policy)).toBe(true);
  expect(samePolicy(policy, { ...policy, priority: 1 })).toBe(false);
});

it('without a configuration plans go on by themselves, land by hand, and have neither an architect nor a verifier', () => {
  const { roles: made, ...flags } = defaultPolicy;
  const on = ['auto_advance', 'auto_advance_waves', 'auto_review_fix', 'auto_readiness_review', 'auto_create_pr'];
  expect(Object.keys(flags).filter((key) => flags[key as keyof typeof flags] === true)).toEqual([
    ...on,
    'require_change',
  ]);
  expect(flags).toMatchObject({
    ...{ auto_merge: false, landing_auto: false, landing_by: 'git', landing_refresh_ms: null, pull_merge: 'manual' },
    ...{ pull_stack: 'none', isolation: 'task', overlap: 'wave', planner_drafts: 1, cleanup_age_ms: 604_800_000 },
  });
  const role = { attempts: 3, timeoutMs: 3_600_000, idleMs: null, speaksByExit: false };
  for (const name of roles) expect([name, made[name]]).toMatchObject([name, role]);
  expect(roles.filter((name) => !made[name].on)).toEqual(['architect', 'verifier']);
  expect(roles.filter((name) => made[name].fixesAlone)).toEqual(['session']);
});

it('what a payload lacks is said with its field', () => {
  const problemsOf = (type: SignalType, payload: object) =>
    signals[type].payload.safeParse(payload).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  expect(problemsOf('needs_decision', {})).toEqual(['reason: a reason is required']);
  expect(problemsOf('agent_type', { title: 'a' })).toEqual(['text: is required, and only one of text and key']);
  expect(problemsOf('agent_type', { title: 'a', text: '\r' })?.[0]).toMatch(/^text: holds a control character; /);
  expect(problemsOf('agent_send', { title: 'a', body: ' ' })).toEqual(['body: a message is required']);
  expect(problemsOf('agent_allow', { title: 'a', permission: 'x' })?.[0]).toMatch(
    /^permission: must be eight hex digits/,
  );
});
