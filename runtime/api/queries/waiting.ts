/** Finds what a plan waits for, what holds it, and the remedy. */

import { actorAt, snapshotOf } from '../../../actors/addressee.ts';
import { failuresOf, type Need, planDetail } from '../../../actors/plan-view.ts';
import { tagged } from '../../../actors/recorder.ts';
import type { Tree } from '../../../actors/tree.ts';
import type { AgentContext } from '../../../machines/agent/context.ts';
import { waysOn } from '../../../machines/plan/advice.ts';
import { circleOf } from '../../../machines/repo/circle.ts';
import { type Applicant, type RepoContext, turnsOf } from '../../../machines/repo/machine.ts';
import { isAwaited } from '../../../machines/vocabulary/effect.ts';
import { EngineError, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import { pathOfRequest, planTree, repoTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import { processStates } from '../../../machines/vocabulary/run-state.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { absentStep, absentText, unstartedText } from '../../base/platform/home-engine.ts';
import { type HostRow, type PlanKey, StoreTrouble } from '../../core/store/port.ts';
import type { EffectRow, PlanRow, QueueRow, RunRow } from '../../core/store/rows.ts';
import { canTake, namesOf } from '../../work/repos/host-choice.ts';
import type { Waiting } from '../contract/shared-shapes.ts';
import { limitText } from './accounts.ts';
import { landingWait } from './landings.ts';
import { holderOf, type Pause, pausedText, resumeCommand } from './queue-pause.ts';
import { holderText, namedAgents } from './queue-places.ts';
import { hasEndedUnseen, isAtWork } from './run-process.ts';
import { type SlotsOnce, slotsOnce } from './slots-look.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { waveOverText } from './wave-over.ts';

type TimedRun = Pick<RunRow, 'title' | 'state' | 'started_at' | 'queued_at'>;

/** The most tasks waiting for files that are named. */
const shownTasks = 3;

const activeStates = new Set(['queued', 'starting', 'running', 'waiting', 'paused', 'stopping', 'backing_off']);
/** The hosts of the store; none where it is of one machine. */
export type HostsOnce = () => Promise<readonly HostRow[]>;

export function hostsOnce({ store }: Pick<ViewDependencies, 'store'>): HostsOnce {
  let look: Promise<readonly HostRow[]> | null = null;
  return () => {
    look ??= store.hosts?.list() ?? Promise.resolve([]);
    return look;
  };
}

/** Reads that all plans of one answer share. */
export interface WaitLook {
  readonly slots: Pick<SlotsOnce, 'look'>;
  readonly hosts: HostsOnce;
  /** The newest run of each agent of the plan; those that are over may be left out. */
  runsOf(plan: PlanRow): Promise<readonly RunRow[]>;
}

interface PlanLook {
  readonly blocked: Need | null;
  readonly kept: readonly EffectRow[];
  readonly slots: Pick<SlotsOnce, 'look'>;
  readonly hosts: HostsOnce;
  readonly newest: readonly RunRow[];
}

/** What a plan waits for, the nearest reason first; null: it is at rest. `kept`: its failed effects that are tried again. */
export async function waitingFor(
  parts: ViewDependencies,
  row: PlanRow,
  { blocked, kept, slots, hosts, newest }: PlanLook,
): Promise<Waiting | null> {
  const since = timeText(row.updatedAt);
  if (blocked !== null) {
    const ways = waysOn({ ...row, source: blocked.source, questions: row.blocked?.questions ?? [] }).map(
      ({ does, command }) => `${does}: ${command}`,
    );
    return { kind: 'decision', detail: [blocked.reason, ...ways].join('\n'), since: timeText(blocked.at) };
  }
  const held = engineWait(parts, row) ?? (await retryWait(parts, row, kept));
  // A done plan's merge, or a cancelled plan's cleanup, may also be delayed.
  if (!isUnderWay(row.status)) return held ?? (await landingWait(parts, row));
  const away = (await hostWait(parts, row, { hosts, newest })) ?? (await otherHostWait(parts, row, { hosts, newest }));
  if (away !== null) return away;
  if (row.paused) return { kind: 'paused', detail: planPausedText(row.plan, null), since };
  if (row.phase === 'wave_waiting') {
    const tree = await soundPlan(parts.cache, row);
    const failures = tree === null ? [] : failuresOf(tree);
    return { kind: 'wave_confirmation', detail: waveOverText(row.plan, row.wave, failures), since };
  }
  if (held !== null && (parts.troubleOf?.(row.project) ?? null) === null) return held;
  const runs = newest.filter((run) => activeStates.has(run.state));
  const trouble = parts.troubleOf?.(row.project) ?? null;
  // Running agents go on. An agent that was requeued because of the repo still counts as starting.
  if (trouble !== null && (await slots.look()).workingIn(row).length === 0)
    return {
      kind: 'repo',
      detail: `repo ${row.project} cannot be used now: ${trouble}; its plans continue when that is over`,
      since,
    };
  if (runs.length > 0) return waitingForAgents(parts, row, { runs, slots });
  return (await waitingForGrant(parts, row, since)) ?? (await waitingForWork(parts, row, since));
}

/** `by`: the name of the person who paused it; null: nobody is named. */
export function planPausedText(plan: string, by: string | null): string {
  return `${by === null ? 'it is paused' : `${by} paused it`}; go on with: stator plan resume ${plan}`;
}

/** While a plan under way waits for one of these, a signal to it starts nothing. */
const holding: ReadonlySet<Waiting['kind']> = new Set([
  ...([
    'paused',
    'decision',
    'wave_confirmation',
    'topic',
    'after',
    'files',
    'plan_limit',
    'rate_limit',
    'host',
    'repo',
  ] as const),
]);

/** Why nothing of a plan under way starts until something else changes, and the remedy; null: it goes on by itself. */
export async function heldUp(parts: ViewDependencies, row: PlanRow): Promise<string | null> {
  const { project, plan } = row;
  const tree = planTree(project, plan);
  const slots = slotsOnce(parts);
  // A question of one task does not hold the others.
  const blocked = row.blocked?.scope === 'tasks' ? null : row.blocked;
  const latest = await parts.store.runs({ by: 'latest', project, plan });
  const newest = blocked === null ? latest.filter((run) => !isAsking(run)) : latest;
  const kept = await parts.store.effects({ by: 'waiting', tree });
  const waiting = await waitingFor(parts, row, {
    ...{ blocked, kept, slots, newest },
    hosts: hostsOnce(parts),
  });
  const isStarted = parts.mayStart(project, plan);
  if (waiting !== null && (holding.has(waiting.kind) || (waiting.kind === 'engine' && isStarted)))
    return waiting.detail;
  const areAtWork = newest.some((run) => processStates.has(run.state) && isAtWork(parts, run));
  // Its grant and its agents are requested, but no engine starts them.
  if (!isStarted) return areAtWork ? null : unstartedOf(parts, row);
  if (waiting?.kind !== 'slot') return null;
  const { queue } = await slots.look();
  const mayGo = (run: RunRow) => run.state === 'queued' && holderOf(queue, run) === null;
  return newest.some(mayGo) ? null : waiting.detail;
}

/** Its run ended with a question, and nobody has answered yet. */
function isAsking({ state, reason }: RunRow): boolean {
  return state === 'waiting' && reason === 'needs_decision';
}

/** A plan continues only on its repo's host, while that host is alive. */
async function hostWait(
  { store, projects }: ViewDependencies,
  { project }: PlanRow,
  { hosts, newest }: Pick<PlanLook, 'hosts' | 'newest'>,
): Promise<Waiting | null> {
  const own = store.hosts?.own;
  if (own === undefined) return null;
  const { host: name = own, comingFrom } = projects.find(project) ?? {};
  const host = (await hosts()).find((each) => each.name === name);
  if (host === undefined) return null;
  const trouble = async () => (await store.hosts?.troubleOf(project)) ?? null;
  if (comingFrom !== undefined && host.isAlive) {
    const why = await trouble();
    const detail = `host ${name}, which does not have the repo of ${comingFrom} yet${why === null ? '' : `: ${onOneLine(why)}`}`;
    return { kind: 'host', detail, since: null };
  }
  if (host.drained !== null && !newest.some((run) => processStates.has(run.state))) {
    const detail = `host ${name}, which starts no agents; let it start them again: stator host drain ${name} --undo`;
    return { kind: 'host', detail, since: timeText(host.drained) };
  }
  // A command without an engine reports that itself.
  if ((host.isAlive && !host.isSilent) || name === own) return null;
  const since = timeText(host.seen);
  if (host.isSilent) {
    const detail = `host ${name}, not seen since ${since}, though its daemon is there: it hangs, or was stopped; let it go on, or end it`;
    return { kind: 'host', detail, since };
  }
  const why = await trouble();
  const mayTake = (await hosts()).some(canTake);
  const next =
    why !== null
      ? `it goes on when it is back; on another host it cannot go on: ${onOneLine(why)}`
      : mayTake
        ? 'another host takes it over if it does not come back'
        : `it goes on when it is back; if it is lost for good: stator host remove ${name}`;
  return { kind: 'host', detail: `host ${name}, not seen since ${since}; ${next}`, since };
}

/** A plan that names a host starts no agents elsewhere. */
async function otherHostWait(
  { store, projects, hostNames }: ViewDependencies,
  { project, host: wanted, paused, phase }: PlanRow,
  { hosts, newest }: Pick<PlanLook, 'hosts' | 'newest'>,
): Promise<Waiting | null> {
  const isWaiting = newest.some(({ state }) => state === 'queued');
  if (wanted === null || paused || phase === 'wave_waiting' || !isWaiting) return null;
  const shared = store.hosts;
  if (shared === undefined) {
    if (hostNames.includes(wanted)) return null;
    const detail = `the host ${wanted}, and this one is ${hostNames.join(', ')}; give it that label under [host] of daemon.toml and restart the daemon, or take **Host:** out of the plan`;
    return { kind: 'host', detail, since: null };
  }
  const all = await hosts();
  const holder = all.find(({ name }) => name === (projects.find(project)?.host ?? shared.own));
  if (holder === undefined || namesOf(holder).includes(wanted)) return null;
  const where = `the host ${wanted}, and its repo is on ${holder.name}`;
  const able = all.filter((each) => namesOf(each).includes(wanted) && canTake(each));
  const why = (await shared.troubleOf(project)) ?? null;
  const next =
    able.length === 0
      ? 'no host of that name or label is alive and has clones; give one that label under [host] of its daemon.toml and restart its daemon, or take **Host:** out of the plan'
      : why !== null
        ? onOneLine(why)
        : `it goes to ${able.map(({ name }) => name).join(' or ')} when nothing runs in it and no plan under way is for ${holder.name}`;
  return { kind: 'host', detail: `${where}; ${next}`, since: null };
}

/** A plan under way needs a store that accepts writes, and the services that handle signals and start work. */
function engineWait({ storeTrouble, serviceTroubles }: ViewDependencies, { status }: PlanRow): Waiting | null {
  if (!isUnderWay(status)) return null;
  const trouble = storeTrouble?.() ?? null;
  if (trouble !== null)
    return { kind: 'engine', detail: `nothing can be written down: ${onOneLine(withHint(trouble))}`, since: null };
  const holding = serviceTroubles?.().find(({ holdsPlans }) => holdsPlans);
  return holding === undefined ? null : { kind: 'engine', detail: holding.text, since: null };
}

/** The failed effects that are tried again, even while other agents of the plan work: a person can often remove the cause. A plan does not wait for hooks. */
async function retryWait(parts: ViewDependencies, row: PlanRow, kept: readonly EffectRow[]): Promise<Waiting | null> {
  const awaited = kept.filter(({ kind }) => isAwaited(kind));
  const [first] = awaited;
  if (first === undefined) return null;
  const { waiting_since: waitingSince, created_at: askedAt, attempts } = first;
  const more = awaited.length > 1 ? `; ${awaited.length - 1} more wait with it` : '';
  const what = effectText(first, (await parts.store.run(first.key))?.title);
  const isTried = parts.mayStart(row.project, row.plan);
  const why = `${onOneLine(first.error ?? 'no reason is known')}${more}${isTried ? '' : after(unworkedOf(parts, row))}`;
  return waitingSince === null
    ? {
        kind: 'retrying',
        detail: `${what} is ${isTried ? '' : 'to be '}tried again (it failed ${attempts === 1 ? 'once' : `${attempts} times`}): ${why}`,
        since: timeText(askedAt),
      }
    : { kind: 'repo', detail: `${what} waits: ${why}`, since: timeText(waitingSince) };
}

function effectText({ kind }: EffectRow, title: string | undefined): string {
  if (title !== undefined) return title;
  const texts: Partial<Record<EffectRow['kind'], string>> = {
    'work.commit': 'the commit of what a run left',
    'work.check': 'a check',
    'work.merge': "a task's merge",
    'work.undo': 'taking a failed task back',
    'worktree.remove': 'the removal of a worktree',
    'branch.archive': "the plan's new start",
    'branch.base': 'the base that the plan starts from',
    'plan.merge': "the plan's merge",
    'landing.find': 'the search for the branch that it lands on',
    'plan.pull': "the plan's pull request",
    'pull.merge': "the merge of the plan's pull request",
  };
  return texts[kind] ?? kind;
}

/** If no agent and no grant is requested, the first git work may still wait for an engine; without this text the plan would seem to work. */
async function waitingForWork(parts: ViewDependencies, row: PlanRow, since: string): Promise<Waiting | null> {
  const { project, plan } = row;
  const open = await parts.store.effects({ by: 'tree', tree: planTree(project, plan) });
  // A plan does not wait for hooks.
  const asked = open.filter(({ kind }) => isAwaited(kind));
  if (asked.length === 0) return null;
  if (!parts.mayStart(project, plan)) return { kind: 'engine', detail: unstartedOf(parts, row), since };
  const base = asked.find(({ kind }) => kind === 'branch.base');
  if (base === undefined) return null;
  // A plan that has work is checked with its new base, which may take long.
  const command = row.wave === null || row.wave === 0 ? null : parts.projects.get(project).config.landing.check;
  const check = command === null ? '' : `, and the check of that must pass: ${onOneLine(command)}`;
  const detail = `${row.branch} is brought up to date with its base${check}`;
  return { kind: 'base', detail, since: timeText(base.created_at) };
}

/** Why no engine goes on with what is left of a plan, be it an agent or the merge of a done plan, and the remedy. */
function unworkedOf(parts: ViewDependencies, row: PlanRow): string {
  const why = parts.notStarting();
  return why.kind === 'none' && !isUnderWay(row.status)
    ? `${absentText(why)} now; ${absentStep(why)}`
    : unstartedOf(parts, row);
}

/** Why no engine starts the agents of a plan, and the remedy. */
export function unstartedOf(
  { projects, notStarting }: Pick<ViewDependencies, 'projects' | 'notStarting'>,
  { project, file }: Pick<PlanRow, 'project' | 'file'>,
): string {
  const folder = projects.find(project)?.path;
  return unstartedText(notStarting(), folder === undefined ? null : { folder, file });
}

async function waitingForAgents(
  parts: ViewDependencies,
  { project, plan, file }: PlanRow,
  { runs, slots }: { readonly runs: readonly RunRow[]; readonly slots: Pick<SlotsOnce, 'look'> },
): Promise<Waiting> {
  const textOf = (run: TimedRun) => runText(run, parts.clock.nowMs());
  const [first] = runs;
  const since = timeOrNull(first?.started_at ?? first?.queued_at ?? null);
  const working = runs.filter((run) => processStates.has(run.state));
  const seen = await slots.look();
  const { queue } = seen;
  const held = runs.filter((run) => run.state === 'queued' && holderOf(queue, run) !== null);
  const heldText = heldDetail(queue, held);
  const isStarted = parts.mayStart(project, plan);
  const unstarted = isStarted ? '' : unstartedOf(parts, { project, file });
  if (working.length > 0) {
    const ended = working.filter((run) => hasEndedUnseen(parts, run));
    const going = working.filter((run) => !ended.includes(run));
    // First those that go on only by a person's command: the list may be cut.
    const isPaused = ({ state }: RunRow) => Number(state === 'paused');
    const atWork = going.toSorted((a, b) => isPaused(b) - isPaused(a)).map(textOf);
    const shared = await sharedText(parts, { project, plan });
    const texts = [shortList(atWork, namedAgents), endedText(ended), unstarted, shared, heldText];
    return {
      // What has ended is settled by an engine.
      kind: atWork.length > 0 ? 'agent' : 'engine',
      detail: texts.filter((text) => text !== '').join('; '),
      since,
    };
  }
  const waiting = runs.find((run) => run.state === 'waiting');
  if (waiting !== undefined) return withText(await waitingOf(parts, waiting, since), unstarted);
  if (runs.every((run) => run.state === 'backing_off')) {
    const texts = runs.map((run) => `${run.title} after ${run.reason ?? 'a failed attempt'}`);
    return withText({ kind: 'back_off', detail: shortList(texts, namedAgents), since }, unstarted);
  }
  // It has its slot, and the signal about that is on its way.
  const starting = seen.workingIn({ project, plan });
  if (starting.length > 0) return { kind: 'agent', detail: shortList(starting, namedAgents), since };
  const open = runs.filter((run) => run.state === 'queued' && !held.includes(run));
  const { limitOf } = seen;
  const free = open.filter((run) => limitOf(run) === null);
  const [limited] = open;
  const limit = limited === undefined ? null : limitOf(limited);
  if (free.length === 0 && limited !== undefined && limit !== null) {
    const titles = open.map(({ title }) => title);
    const detail = `${shortList(titles, namedAgents)}: ${limitText(limit, limited.title)}${after(heldText)}`;
    return withText({ kind: 'rate_limit', detail, since: timeText(limit.since) }, unstarted);
  }
  if (free.length === 0 && heldText !== '') return { kind: 'slot', detail: heldText, since };
  if (!isStarted) return { kind: 'engine', detail: `${unstarted}${after(heldText)}`, since };
  const slot = seen.detailOf({ project, plan, key: free[0]?.key ?? '' });
  return { kind: 'slot', detail: `${slot}${after(heldText)}`, since };
}

/** The agents that wait because of a pause, by pause; '': none. */
function heldDetail(queue: QueueRow, held: readonly RunRow[]): string {
  const byCommand = new Map<string, { pause: Pause; titles: string[] }>();
  for (const run of held) {
    const pause = holderOf(queue, run);
    if (pause === null) continue;
    const known = byCommand.get(resumeCommand(pause)) ?? { pause, titles: [] };
    byCommand.set(resumeCommand(pause), { pause, titles: [...known.titles, run.title] });
  }
  return [...byCommand.values()].map(({ pause, titles }) => pausedText(pause, titles)).join('; ');
}

function after(text: string): string {
  return text === '' ? '' : `; ${text}`;
}

function withText(waiting: Waiting, text: string): Waiting {
  return { ...waiting, detail: `${waiting.detail}${after(text)}` };
}

/** The agents that ended while no engine watched them, or whose engine ended before it started them. */
function endedText(runs: readonly RunRow[]): string {
  if (runs.length === 0) return '';
  const names = runs.map(({ title }) => title);
  return `${shortList(names, namedAgents)} ${runs.length === 1 ? 'has' : 'have'} no process now, which the next engine settles`;
}

/** Tasks that no slot would start: those of one worktree wait for each other, and so do those whose files overlap. */
async function sharedText({ cache }: ViewDependencies, row: PlanKey): Promise<string> {
  const tree = await soundPlan(cache, row);
  if (tree === null) return '';
  const { isolation, waves } = planDetail(tree);
  const tasks = waves.find((wave) => wave.status === 'running')?.tasks ?? [];
  const count = isolation === 'plan' ? tasks.filter((task) => task.status === 'pending').length : 0;
  if (count > 0) return `${count} more of its wave ${count === 1 ? 'waits' : 'wait'} for the worktree that they share`;
  const waiting = tasks.flatMap(({ number, filesOf }) =>
    filesOf === null ? [] : [`task ${number} waits for task ${filesOf.task}, which writes ${filesOf.path} too`],
  );
  const more = waiting.length > shownTasks ? [`${waiting.length - shownTasks} more wait so`] : [];
  return [...waiting.slice(0, shownTasks), ...more].join('; ');
}

/** The row says only that it waits; for what, its actor knows. */
async function waitingOf(
  { cache }: ViewDependencies,
  { project, plan, run, title }: RunRow,
  since: string | null,
): Promise<Waiting> {
  const tree = await soundPlan(cache, { project, plan });
  const actor = tree === null ? null : actorAt(tree.root, pathOfRequest(run));
  const snapshot = actor === null ? null : snapshotOf(actor);
  if (snapshot?.hasTag('waits:permission'))
    return {
      kind: 'agent',
      detail: permissionText(title, snapshot.context as AgentContext), // an agent's context
      since,
    };
  const again = snapshot === null ? '' : ` until ${timeText((snapshot.context as AgentContext).dueAt)}`; // an agent's context
  return {
    kind: 'rate_limit',
    detail: `${title} waits${again}: the service is rate limited for now; try at once with: stator agent restart ${shellWord(title)}`,
    since,
  };
}

function permissionText(title: string, { permissions }: AgentContext): string {
  const [asked] = permissions;
  if (asked === undefined) return `${title} waits for a permission`;
  const more = permissions.length === 1 ? '' : ` and ${permissions.length - 1} more`;
  const answer = `stator agent allow ${shellWord(title)} --question ${asked.id}`;
  return `${title} asks whether it may use ${asked.tool}${more}, and is denied at ${timeText(asked.dueAt)}; answer with: ${answer}, or deny`;
}

/** One repo or plan whose stored state cannot be read hides no other. */
export async function soundTree(
  cache: ViewDependencies['cache'],
  address: TreeAddress,
): Promise<Tree | EngineError | null> {
  try {
    return (await cache.get(address))?.tree ?? null;
  } catch (thrown) {
    if (thrown instanceof EngineError && !(thrown instanceof StoreTrouble)) return thrown;
    throw thrown;
  }
}

/** null: also if its stored state cannot be read. */
export async function soundPlan(cache: ViewDependencies['cache'], { project, plan }: PlanKey): Promise<Tree | null> {
  const tree = await soundTree(cache, planTree(project, plan));
  return tree instanceof EngineError ? null : tree;
}

/** An agent that is paused, by a person or because its program was stopped from outside, does not go on by itself. */
function runText(run: TimedRun, nowMs: number): string {
  const text = holderText(run.title, run.started_at ?? run.queued_at, nowMs);
  return run.state === 'paused' ? `${text} is paused; go on with: stator agent resume ${shellWord(run.title)}` : text;
}

/** The awaited plans that will not be done by themselves: a plan would wait all night for a mistyped name. */
async function plansNeverDone(
  { store }: ViewDependencies,
  project: string,
  { plan, after }: Pick<Applicant, 'plan' | 'after'>,
  waiting: readonly Applicant[],
): Promise<string> {
  const rows = await Promise.all(after.map((other) => store.plan(project, other)));
  const texts = after.map((other, index) => {
    const row = rows[index] ?? null;
    if (row === null) return `; no plan ${other} is registered`;
    if (row.status === 'cancelled') return `; ${other} is cancelled`;
    if (row.status === 'ready') return `; ${other} has not been started: stator plan advance ${shellWord(other)}`;
    if (row.paused) return `; ${other} is paused: stator plan resume ${shellWord(other)}`;
    const needsPerson = row.blocked !== null || row.phase === 'wave_waiting';
    return needsPerson ? `; ${other} needs a person: stator plan explain ${shellWord(other)}` : '';
  });
  const circle = circleOf(plan, waiting);
  return `${texts.join('')}${circle === null ? '' : `; they wait for each other: ${circle.join(' → ')}`}`;
}

async function waitingForGrant(parts: ViewDependencies, row: PlanRow, since: string): Promise<Waiting | null> {
  const tree = await soundTree(parts.cache, repoTree(row.project));
  if (tree === null) return { kind: 'repo', detail: `repo ${row.project} is not registered`, since };
  if (tree instanceof EngineError) return { kind: 'repo', detail: `${tree.message}; ${tree.hint}`, since };
  const snapshot = snapshotOf(tree.root);
  const context = snapshot.context as RepoContext; // a repo tree's context
  const turn = turnsOf(context).find(({ applicant: { plan } }) => plan === row.plan);
  if (turn === undefined) return null;
  const { applicant, obstacle } = turn;
  const state = tagged(snapshot.tags, 'repo:');
  if (state !== 'active')
    return {
      kind: 'repo',
      detail:
        context.degraded ??
        `repo ${row.project} is ${state}${state === 'paused' ? `; go on with: stator repo resume ${shellWord(row.project)}` : ''}`,
      since: timeText(applicant.since),
    };
  if (obstacle === null) return null;
  const { kind, detail, plans = [] } = obstacle;
  const never = await plansNeverDone(parts, row.project, { plan: row.plan, after: plans }, context.waiting);
  return { kind, detail: `${detail}${never}`, since: timeText(applicant.since) };
}
