/**
 * Previews a person's signal to a plan: which agents end and start, which branch moves, which plans then wait. A copy of the plan's tree takes the step and
 * is discarded, so the preview shows the signal's real effect. The command line, the board and the page build their question to the person from this one
 * answer.
 */

import { planSummary } from '../../../actors/plan-view.ts';
import { type Step, treesOf } from '../../../actors/tree.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { EngineError, planNotFound } from '../../../machines/vocabulary/errors.ts';
import type { Role } from '../../../machines/vocabulary/ids.ts';
import { instanceTitle, planTree } from '../../../machines/vocabulary/ids.ts';
import type { Landing } from '../../../machines/vocabulary/landing.ts';
import { counted } from '../../../machines/vocabulary/numbers.ts';
import { isOver } from '../../../machines/vocabulary/plan-status.ts';
import type { Policy } from '../../../machines/vocabulary/policy.ts';
import { isLive } from '../../../machines/vocabulary/run-state.ts';
import type { Signal, SignalType } from '../../../machines/vocabulary/signal.ts';
import type { RepoConfig } from '../../base/config/config.ts';
import { admitWord } from '../../core/inbox/admission.ts';
import type { PlanRow, RunRow } from '../../core/store/rows.ts';
import { chosenProfiles, lookAtAccounts } from '../../work/agents/accounts.ts';
import type { ActPreview, PlanDiff } from '../contract/plans.ts';
import { timeOrNull } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface ActQuestion {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
}

interface PreviewParts extends Pick<ViewDependencies, 'store' | 'projects' | 'clock' | 'env' | 'kinds'> {
  planDiff(of: { readonly project: string; readonly plan: string }): Promise<PlanDiff>;
}

type Named = Pick<PlanRow, 'project' | 'plan'>;

/** The plan waits for an answer, so giving one needs no confirmation. */
const unasked: ReadonlySet<SignalType> = new Set([
  'resolve',
  'answer',
  'agent_allow',
  'agent_deny',
  'agent_send',
  'agent_type',
]);
/** For a done plan, these signals take back work on which others may have built. */
const undoing: ReadonlySet<SignalType> = new Set(['cancel', 'pause']);

/** Throws `plan_not_found`, and the inbox's errors: `unknown_signal`, `not_allowed`, `bad_payload`. */
export async function previewAct(parts: PreviewParts, question: ActQuestion): Promise<ActPreview> {
  const { store, projects, clock, kinds } = parts;
  const { project, plan } = question;
  const admitted = admitWord(kinds, { type: question.type, payload: question.payload, origin: 'person' });
  if (admitted.kind === 'refused') throw admitted.error;
  const { type, taker } = admitted;
  const [row, tree] = await Promise.all([store.plan(project, plan), store.tree(planTree(project, plan))]);
  if (row === null || tree === null) throw planNotFound(project, plan);
  const nothing: ActPreview = {
    project,
    plan,
    act: type,
    accepted: false,
    asks: false,
    needs_force: false,
    ends: [],
    starts: [],
    merge: null,
    archives: null,
    waiters: [],
    says: [],
  };
  if (taker.kind.name !== 'plan') return nothing;
  const { config } = projects.get(project);
  const signal = {
    type,
    payload: admitted.payload,
    origin: 'person',
    actor: '',
    run: null,
    at: clock.nowMs(),
  } as Signal; // admission has checked that type and payload match
  const trees = treesOf(kinds);
  const before = trees.restore(planTree(project, plan), tree.stored);
  const { landing } = planSummary(before);
  const step = trees.step(before, signal, { policy: config.policy });
  if (step.verdict.status !== 'done' || step.verdict.result !== 'done') return nothing;
  const ends = endsOf(step, await store.runs({ by: 'latest', project, plan }));
  const found = {
    ends,
    starts: await withPrograms(parts, project, [
      ...startsOf(step),
      ...(type === 'agent_restart' ? ends.map(({ title, role }) => ({ title, role: role as Role })) : []), // the engine itself wrote the role
      ...(await beginsOf(parts, row, step, config.policy)),
    ]),
    merge: await mergeOf(parts, row, step, config),
    archives: step.requests.effects.some(({ kind }) => kind === 'branch.archive') ? row.branch : null,
    waiters: row.status === 'done' && type === 'cancel' ? await waitersOf(parts, row) : [],
    needs_force: row.status === 'done' && undoing.has(type),
  };
  const isGrave =
    ends.length > 0 ||
    found.merge !== null ||
    found.archives !== null ||
    found.needs_force ||
    found.starts.some(({ paid }) => paid);
  const preview = { ...nothing, ...found, accepted: true, asks: isGrave && !unasked.has(type) };
  return { ...preview, says: sentences(preview, type, landing) };
}

function endsOf({ requests }: Step, runs: readonly RunRow[]): ActPreview['ends'] {
  const stopped = new Set(requests.stops.map(({ run }) => run));
  return runs
    .filter((run) => stopped.has(run.run) && isLive(run))
    .map(({ title, role, state, started_at: at }) => ({ title, role, state, started_at: timeOrNull(at) }))
    .sort((a, b) => a.title.localeCompare(b.title));
}

type Starting = { readonly title: string; readonly role: Role };

function startsOf({ requests }: Step): Starting[] {
  return requests.effects.filter((effect) => effect.kind === 'agent.run');
}

/** Whether a turn of an agent may cost money: every preset but the shell may. */
async function withPrograms(
  { store, projects, env, clock }: PreviewParts,
  project: string,
  starting: readonly Starting[],
): Promise<ActPreview['starts']> {
  if (starting.length === 0) return [];
  const profileChoices = await lookAtAccounts({ store, projects, env, nowMs: () => clock.nowMs() });
  const profiles = chosenProfiles(profileChoices, project, projects.get(project).config.profiles);
  return starting.map(({ title, role }) => {
    const { preset } = profiles[role];
    return { title, role, program: preset, paid: preset !== 'sh' };
  });
}

/** For a plan that first requests the right to implement, or a new branch: the agents that begin after that, according to its document and its roles. */
async function beginsOf(
  { store }: PreviewParts,
  row: PlanRow,
  { requests }: Step,
  policy: Policy,
): Promise<Starting[]> {
  const asks = requests.signals.some(({ type }) => type === 'implement_requested');
  const isAnew = requests.effects.some(({ kind }) => kind === 'branch.archive');
  if (!asks && !isAnew) return [];
  const { document } = parsePlan((await store.planText(row.project, row.plan)) ?? '');
  const begin = (role: Role, wave: number | null = null, task: number | null = null) => ({
    title: instanceTitle({ plan: row.plan, role, wave, task, round: 0 }),
    role,
  });
  if (!asks && policy.roles.planner.on) return [begin('planner')];
  const tasks = document.waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
  if (tasks <= policy.blueprint_skip_threshold) return [begin('coder')];
  if (policy.roles.architect.on) return [begin('architect')];
  const [wave] = document.waves;
  return (wave?.tasks ?? []).map(({ number }) => begin('coder', wave?.number ?? 1, number));
}

async function mergeOf(
  parts: PreviewParts,
  row: PlanRow,
  { requests }: Step,
  { baseBranch }: RepoConfig,
): Promise<ActPreview['merge']> {
  const merge = requests.effects.find(({ kind }) => kind === 'plan.merge');
  if (merge?.kind !== 'plan.merge') return null;
  const into =
    merge.into ??
    (baseBranch !== '' ? baseBranch : (row.base?.branch ?? (await parts.projects.repository(row.project)).defaultBase));
  try {
    const { total, files } = await parts.planDiff(row);
    return { into, branch: row.branch, total, files: files.map(({ path }) => path).slice(0, filesNamed) };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return { into, branch: row.branch, total: null, files: [] }; // the merge itself reports the reason
  }
}

/** The most files of a merge that are named. */
const filesNamed = 5;

/** Plans that wait for this one to be done. */
async function waitersOf({ store }: PreviewParts, { project, plan }: Named): Promise<string[]> {
  const others = (await store.plans(project)).filter(({ status }) => !isOver(status));
  const texts = await Promise.all(
    others.map(async (row) => ({ row, text: (await store.planText(project, row.plan)) ?? '' })),
  );
  return texts
    .filter(({ text }) => text.includes(plan) && parsePlan(text).document.after.includes(plan))
    .map(({ row }) => row.plan);
}

function afterCancel(landing: Landing | null): string {
  if (landing === 'merged') return 'what is merged of it stays merged';
  return landing === 'in_line' ? 'it leaves its line, unless that is merging it just now' : 'nothing merges it';
}

function sentences(
  { plan, ends, starts, merge, archives, waiters, needs_force: isDone }: ActPreview,
  type: SignalType,
  landing: Landing | null,
): string[] {
  const isSpared = type === 'pause' || type === 'set_status';
  const after = waiters.join(', ');
  return [
    ...(isDone
      ? [
          `${plan} is done; ${type === 'cancel' ? `cancelled, it counts as done no more, and ${afterCancel(landing)}` : 'paused, its merge and its pull request do not go on either'}`,
        ]
      : []),
    ...(after === ''
      ? []
      : [`${after} wait${waiters.length === 1 ? 's' : ''} for it (**After:**), and would wait for good`]),
    ...(ends.length === 0
      ? []
      : [
          `ends ${counted(ends.length, 'agent')}${isSpared ? ', no attempt spent' : ''}: ${ends.map(({ title, role }) => `${title} (${role})`).join(', ')}`,
        ]),
    ...(merge === null ? [] : [mergeText(merge)]),
    ...(archives === null ? [] : [`archives the branch ${archives} under refs/stator/archive, and begins it anew`]),
    ...(starts.length === 0
      ? []
      : [
          `starts ${counted(starts.length, 'agent')}: ${starts.map(({ title, program }) => `${title} (${program})`).join(', ')}`,
        ]),
  ];
}

function mergeText({ into, branch, total, files }: NonNullable<ActPreview['merge']>): string {
  if (total === null || total.files === 0) return `moves your branch ${into}: ${branch} is merged into it`;
  const more = total.files > files.length ? ` and ${total.files - files.length} more` : '';
  return `moves your branch ${into}: ${branch} is merged into it, +${total.insertions} -${total.deletions} in ${files.join(', ')}${more}`;
}
