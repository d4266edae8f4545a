/** Every button that the page offers in each state of a plan is pressed: a button that the plan would refuse is not shown. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { actorsOf, snapshotOf } from '../../actors/addressee.ts';
import { failuresOf, planDetail, planSummary } from '../../actors/plan-view.ts';
import { tagged } from '../../actors/recorder.ts';
import { offersOf } from '../../actors/refusal.ts';
import type { Tree } from '../../actors/tree.ts';
import { type SignalType, signals } from '../../machines/vocabulary/signal.ts';
import { needsView } from '../../page/needs-view.ts';
import { sections } from '../../page/plan-model.ts';
import { planView } from '../../page/plan-view.ts';
import { blockView, planShown, questionView } from '../../runtime/api/queries/plan-shown.ts';
import { turnOf } from '../../runtime/api/queries/turn.ts';
import { waveOverText } from '../../runtime/api/queries/wave-over.ts';
import type { PlanRow } from '../../runtime/core/store/rows.ts';
import { plan, type World } from '../support/chaos.ts';
import { betweenWaves, copyOf, drafted, killAll, liveTree, worldOf, worldsByState } from '../support/plan-states.ts';
import { sha } from '../support/simulation.ts';

const nowMs = Date.parse('2026-11-27T12:00:00Z');
const iso = new Date(nowMs).toISOString();

interface Act {
  readonly type: string;
  readonly payload: object;
  readonly text: string;
}

/** The parts of an undrawn element that the test reads. */
interface Drawn {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>> & { readonly children?: unknown };
}

class Field {
  /** Also the number of a draft or of a wave. */
  value = '1';
}

beforeAll(() => {
  vi.stubGlobal('HTMLTextAreaElement', Field);
  vi.stubGlobal('HTMLInputElement', Field);
});
afterAll(() => vi.unstubAllGlobals());

const elements = Object.assign([], { namedItem: () => new Field() });
const form = { elements, closest: () => form, querySelector: () => null };

/** Presses each button that can be pressed; `pressed` receives the text of each. */
function pressAll(drawn: unknown, pressed: (text: string) => void, submit?: (event: object) => void): void {
  if (Array.isArray(drawn)) for (const each of drawn) pressAll(each, pressed, submit);
  if (typeof drawn !== 'object' || drawn === null || !('props' in drawn)) return;
  const { type, props } = drawn as Drawn;
  const ofForm = type === 'form' ? (props.onsubmit as typeof submit) : submit;
  if (type === 'button' && props.disabled !== true) {
    const press = (props.onclick ?? (props.type === 'submit' ? ofForm : undefined)) as typeof submit;
    pressed(textOf(props.children));
    press?.({ preventDefault() {}, currentTarget: form, submitter: { value: props.value } });
  }
  pressAll(props.children, pressed, ofForm);
}

function textOf(drawn: unknown): string {
  if (Array.isArray(drawn)) return drawn.map(textOf).join('');
  return typeof drawn === 'object' && drawn !== null ? textOf((drawn as Drawn).props.children) : String(drawn ?? '');
}

async function shownOf(tree: Tree) {
  const summary = planSummary(tree);
  const { blocked } = summary;
  const row: PlanRow = {
    ...{ ...summary, project: 'demo', plan: 'hello', goal: null, author: 'person', faultSignal: null, base: null },
    ...{ createdAt: nowMs, updatedAt: nowMs, file: null, fileDigest: null, fileAs: null },
  };
  const waits = blocked === null && row.phase === 'wave_waiting';
  const detail = waveOverText(row.plan, row.wave, failuresOf(tree));
  const waiting = waits ? { kind: 'wave_confirmation' as const, detail, since: iso } : null;
  const cache = { get: async () => ({ tree }) } as unknown as Parameters<typeof turnOf>[0]['cache']; // what is read of it
  const entry = {
    ...{ project: 'demo', plan: 'hello', title: row.title, goal: null, status: row.status, phase: row.phase },
    ...{ landing: row.landing, accepts: [...row.accepts], blocked: blocked === null ? null : blockView(blocked) },
    ...{ questions: (blocked?.questions ?? []).map(questionView), wave: row.wave, waves: row.waves, author: 'person' },
    ...{ tasks_done: row.tasksDone, tasks: row.tasks, branch: row.branch, topic: null, review_cycle: row.reviewCycle },
    ...{ paused: row.paused, waiting_for: waiting, created_at: iso, updated_at: iso, file: null, budget: [] },
    ...(await turnOf({ cache, projects: { isElsewhere: () => false }, mayStart: () => true }, row, {
      blocked,
      waiting,
      runs: [],
    })),
    usage: { runs: 0, input_tokens: null, output_tokens: null, cost_usd: null },
  };
  const rows = { entry, usage: [], content: '', runs: 0, shown: [], undone: [], setAside: [] };
  return { entry, plan: planShown(row, planDetail(tree), rows) };
}

/** The agents of the tree, as the list of agents returns them. */
const agentsOf = ({ root }: Tree) =>
  [...actorsOf(root)]
    .map(snapshotOf)
    .filter(({ machine }) => machine.id === 'agent')
    .map(({ context, tags }) => ({
      ...{ id: context.title, title: context.title, role: context.role, state: tagged(tags, 'run:'), permissions: [] },
      ...{ exit_code: null, takes_input: false, takes_keys: false, wave_number: 0, task_number: 0, work: null },
      ...{ started_at: null, last_activity_at: null, waits_until: null, exit_note: null, reason: null, live: false },
      ...{ usage: { runs: 0, input_tokens: null, output_tokens: null, cost_usd: null }, attempt: 1, program: 'sh' },
      ...{ branch: '', ended_at: null, queued_at: iso, active: false, since: null },
    }));

/** All acts on the page of the fleet and in each section of the plan's page. */
async function offered(tree: Tree): Promise<Act[]> {
  const { plan, entry } = await shownOf(tree);
  const agents = agentsOf(tree);
  const acts: Act[] = [];
  let text = '';
  const note = (shown: string) => {
    text = shown;
  };
  const send = (type: string, payload: object) => acts.push({ type, payload, text });
  const others = new Proxy({}, { get: () => () => true });
  const actions = new Proxy({ send }, { get: (own, name) => Reflect.get(own, name) ?? Reflect.get(others, name) });
  const events = offersOf(tree.root, nowMs).map(({ type, isTaken, guard }) => ({
    ...{ type, does: '', accepted: isTaken, why_not: guard },
  }));
  const model = {
    ...{ named: entry, plan, explain: { events }, agents, isSteady: true, pauses: [], states: null, journal: [] },
    ...{ actor: '', at: null, past: null, time: { range: null, folds: false }, bodies: new Map(), busy: null },
    ...{ sure: null, isEditable: false, writing: null, missing: null },
    changes: {
      ...{ task: null, since: null, list: null, at: null, nothing: 'none', isSideBySide: false, comments: [] },
      ...{ draft: null, threads: [], reviewer: false, texts: new Map(), near: new Set(), heights: new Map() },
    },
  };
  const none = { log: '', prompt: null, checks: null, nothing: 'none' };
  for (const section of sections)
    for (const chosen of [null, ...agents.map(({ title }) => ({ ...none, title, tab: 'log' }))])
      pressAll(planView({ ...model, section, chosen } as never, actions as never, nowMs), note);
  const act = (_: unknown, { type, payload }: Act) => send(type, payload);
  const fleet = { may: () => true, maySend: () => true, act, show() {} };
  const isUnmerged = entry.landing === 'not_merged';
  const needs = { asking: entry.need === null ? [] : [entry], unmerged: isUnmerged ? [entry] : [] };
  pressAll(needsView(needs, { busy: null, isSteady: true, isWholeNeeds: true } as never, fleet as never, nowMs), note);
  const once = new Map(acts.map((each) => [JSON.stringify(each), each]));
  return [...once.values()];
}

function then(world: World, type: SignalType, payload: object = {}): World {
  world.person(type, payload);
  world.drain();
  return world;
}

function posted(type: SignalType, payload: object): World {
  const world = then(worldOf({ on: [] }), 'implement_start');
  world.post(plan, type, payload);
  world.drain();
  return world;
}

const landedBy = (type: 'merge' | 'create_pr') => then((worldsByState.done as () => World)(), type);

function after(world: World, type: SignalType, payload: object): World {
  const row = world.open().find(({ effect: { kind } }) => kind === 'plan.merge' || kind === 'plan.pull');
  if (row === undefined) throw new Error(`nothing is under way that ${type} could answer`);
  world.report(row, type, payload);
  world.drain();
  return world;
}

/** Done plans, each with the offers in its row on the page of the fleet; null: it has no row there. */
const donePlans: Record<string, readonly [make: () => World, offered: readonly string[] | null]> = {
  'done, and not merged': [() => (worldsByState.done as () => World)(), ['Merge', 'Pull request']],
  'done, and being merged': [() => landedBy('merge'), ['Pull request']],
  'done, and merged': [
    () => after(landedBy('merge'), 'plan_merged', { head: sha(10), into: 'main', tip: sha(11) }),
    null,
  ],
  'done, and its pull request is being made': [() => landedBy('create_pr'), ['Merge']],
  'done, and its pull request could not be made': [
    () => after(landedBy('create_pr'), 'pr_failed', { detail: 'no remote' }),
    ['Merge', 'Pull request'],
  ],
  'done, with a pull request': [
    () =>
      after(landedBy('create_pr'), 'pr_opened', {
        number: 7,
        url: 'https://forge.test/7',
        server: 'forge.test',
        head: sha(10),
      }),
    null,
  ],
};

const worlds: Record<string, () => World> = {
  ...worldsByState,
  ...Object.fromEntries(Object.entries(donePlans).map(([name, [make]]) => [name, make])),
  'between waves': betweenWaves,
  'a wave that failed': () => {
    const world = betweenWaves();
    killAll(world);
    return world;
  },
  'drafts to choose from': () => drafted(),
  'work that was lost': () =>
    posted('work_lost', {
      work: [{ title: 'hello-w1-t1', run: null, commit: 'a'.repeat(40) }],
      detail: 'gone',
      looked_at: 0,
    }),
  'a budget that is used up': () =>
    posted('budget_reached', { scope: 'plan', measure: 'usd', limit: 1, spent: 2, title: null }),
};

const variants: Record<string, (world: World) => World> = {
  'as it is': (world) => world,
  paused: (world) => then(world, 'pause'),
  'with a question': (world) => then(world, 'needs_decision', { reason: 'Which colour?' }),
};

it.each(Object.keys(worlds))('%s: what is offered is taken', async (name) => {
  const refused: string[] = [];
  for (const [variant, change] of Object.entries(variants)) {
    const world = change((worlds[name] as () => World)());
    const acts = await offered(liveTree(world));
    expect(acts.length).toBeGreaterThan(0);
    for (const { type, payload, text } of acts) {
      const parsed = signals[type as SignalType].payload.safeParse(payload);
      const copy = copyOf(world);
      // The engine restores the work before it passes the signal on.
      if ('restore' in payload) copy.send('work_found', {}, { origin: 'engine' });
      const verdict = parsed.success ? copy.send(type as SignalType, parsed.data) : 'refused: bad_payload';
      if (/^(?:refused|stale)/.test(verdict))
        refused.push(`${variant}: ${text} (${type} ${JSON.stringify(payload)}): ${verdict}`);
    }
  }
  expect(refused).toEqual([]);
});

it.each(Object.entries(donePlans))('%s: its row offers exactly what it takes', async (_, [make, expected]) => {
  const { entry } = await shownOf(liveTree(make()));
  const isListed = entry.landing === 'not_merged';
  expect(isListed).toBe(expected !== null);
  const shown: string[] = [];
  const view = { busy: null, isSteady: true, isWholeNeeds: true };
  const actions = { may: () => true, maySend: () => true, act() {}, show() {} };
  const needs = { asking: [], unmerged: isListed ? [entry] : [] };
  pressAll(needsView(needs, view as never, actions as never, nowMs), (text) => shown.push(text));
  expect(shown).toEqual(expected ?? []);
  // Without a known forge, the list leaves out the pull request.
  const without = {
    asking: [],
    unmerged: isListed ? [{ ...entry, accepts: entry.accepts.filter((type) => type !== 'create_pr') }] : [],
  };
  shown.length = 0;
  pressAll(needsView(without, view as never, actions as never, nowMs), (text) => shown.push(text));
  expect(shown).toEqual((expected ?? []).filter((text) => text !== 'Pull request'));
});
