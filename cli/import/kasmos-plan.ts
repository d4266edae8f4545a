/** Imports one plan of kasmos: its document, its branch and its state. Nothing is started: interrupted work waits for a person. */

import { existsSync } from 'node:fs';
import { issueLinkProblem, withIssueLinks } from '../../machines/document/issue-links.ts';
import { decodePlan } from '../../machines/document/plan-document.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { planBranch, planNameOf } from '../../machines/vocabulary/ids.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import type { KasmosTask } from '../../runtime/engine/kasmos-store.ts';
import type { Call } from '../command.ts';
import { findPlan } from '../file-binding.ts';
import { askGit } from '../place.ts';
import { refusalLines, verdictMs } from '../verdict.ts';
import type { Step } from './steps.ts';

export interface TaskSource {
  readonly task: KasmosTask;
  /** The progress of its subtasks; null: kasmos has none. */
  readonly progress: { readonly done: number; readonly all: number } | null;
  readonly path: string;
  /** Whether its repo is registered. */
  readonly isKnown: boolean;
}

interface ImportedSignal {
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The status of the imported plan, and the signals that lead there. */
interface Arrival {
  readonly as: string;
  readonly signals: readonly ImportedSignal[];
  /** The command that continues it, as the text before and after the plan's name; null: the plan has ended. */
  readonly next: readonly [string, string] | null;
}

export async function planStep(call: Call, client: Client, source: TaskSource): Promise<Step> {
  const { task, path, isKnown } = source;
  const { project } = task;
  const plan = planNameOf(task.filename);
  const piece = { kind: 'plan', name: `${project}/${plan ?? task.filename}`, next: null };
  if (plan === null) return { ...piece, state: 'broken', what: 'its name makes no name of a plan' };
  const arrival = arrivalOf(task);
  if (arrival === null)
    return { ...piece, state: 'broken', what: `kasmos has no status ${JSON.stringify(task.status)}` };
  const document = documentOf(task, plan);
  if (document === null) return { ...piece, state: 'broken', what: 'its document is no text of at most 1 MiB' };
  const branch = task.branch === '' ? planBranch(plan) : task.branch;
  const known = isKnown ? await findPlan(client, project, plan) : null;
  const there = known === null ? null : await importStateOf(client, known, { document, signals: arrival.signals });
  if (there?.is !== undefined) return { ...piece, state: 'there', what: there.is };
  const next = arrival.next === null ? null : `${arrival.next[0]} ${shellWord(plan)}${arrival.next[1]}`;
  const what = [`${arrival.as}, on ${branch}`, ...remarks(source), ...branchLines(call, path, branch, task)].join('\n');
  return {
    ...piece,
    state: 'comes',
    what,
    next,
    async bring() {
      const topic = task.topic === '' ? {} : { topic: task.topic };
      const before = await findPlan(client, project, plan);
      const shown =
        before ??
        (await client.registerPlan({ project, plan, content: document, as: 'stator', branch, adopt: true, ...topic }));
      const { is, left } = await importStateOf(client, shown, { document, signals: arrival.signals });
      if (is !== undefined && before !== null) return { state: 'there', what: is, next: null };
      for (const { signal, dedupeKey } of left) await send(client, shown, signal, dedupeKey);
      return { what };
    },
  };
}

interface ImportState {
  /** The state as text, if the plan has ended. */
  readonly is?: string;
  /** The signals that were not sent to this plan yet, each with its key. */
  readonly left: readonly { readonly signal: ImportedSignal; readonly dedupeKey: string }[];
}

/** A plan that has moved on since the import gets no signal. A refused signal is sent again, with another key. */
async function importStateOf(
  client: Client,
  plan: PlanShow,
  { document, signals }: { readonly document: string; readonly signals: readonly ImportedSignal[] },
): Promise<ImportState> {
  if (plan.content !== document) return { is: 'with another document; it stays as it is', left: [] };
  const rows = await client.signals({ project: plan.project, plan: plan.plan });
  const birth = await birthOf(client, plan);
  const ours = signals.map((signal) => {
    const key = keyOf(plan, birth, signal);
    return { signal, key, sent: rows.filter(({ dedupe_key: of }) => of === key || of?.startsWith(`${key}:`)) };
  });
  const left = ours
    .filter(({ sent }) => sent.every(({ status }) => status === 'failed'))
    .map(({ signal, key, sent }) => ({ signal, dedupeKey: sent.length === 0 ? key : `${key}:${sent.length}` }));
  const first = ours.flatMap(({ sent }) => sent.map(({ id }) => id)).sort((a, b) => a - b)[0];
  const own = new Set(ours.flatMap(({ sent }) => sent.map(({ id }) => id)));
  const hasMoved =
    left.length === signals.length
      ? plan.status !== 'ready'
      : rows.some(
          ({ id, origin, status }) =>
            first !== undefined && id > first && !own.has(id) && origin.startsWith('person') && status === 'done',
        );
  return left.length === 0 || hasMoved ? { is: plan.status, left: [] } : { left };
}

/** null: a status that kasmos does not have. */
function arrivalOf(task: KasmosTask): Arrival | null {
  const { status, execution_phase: phase, active_wave: wave, blocked_reason: reason } = task;
  const arrivesAs = (as: string, next: Arrival['next'], ...signals: ImportedSignal[]): Arrival => {
    if (reason === '') return { as, signals, next };
    const asks = { type: 'needs_decision', payload: { reason: reason.slice(0, 8_000) } };
    return { as: `${as}, blocked`, signals: [...signals, asks], next: ['stator plan answer', ' "<answer>"'] };
  };
  const set = (to: string): ImportedSignal => ({ type: 'set_status', payload: { status: to } });
  const again = ['stator plan answer', ''] as const;
  switch (status) {
    case 'ready':
      return arrivesAs('ready', null);
    case 'planning':
      return arrivesAs('ready, since its planner was at work', ['stator plan start', '']);
    case 'implementing':
    case 'in_progress':
      if (phase === 'fixing') return arrivesAs('reviewing, since its fixer was at work', again, set('reviewing'));
      return arrivesAs('ready, since its coders were at work', [
        'stator plan advance',
        wave > 1 ? ` --wave ${wave}` : '',
      ]);
    case 'reviewing':
      return phase === 'readiness_reviewing'
        ? arrivesAs('verifying', again, set('verifying'))
        : arrivesAs('reviewing', again, set('reviewing'));
    case 'verifying':
      return arrivesAs('verifying', again, set('verifying'));
    case 'done':
    case 'completed':
      return { as: 'done', signals: [{ type: 'mark_done', payload: {} }], next: null };
    case 'cancelled':
      return { as: 'cancelled', signals: [{ type: 'cancel', payload: {} }], next: null };
    default:
      return null;
  }
}

/** The document of the plan. Without content it is a draft for a planner, with what kasmos knew. */
function documentOf({ content, description, linear_url: link }: KasmosTask, plan: string): string | null {
  const plain = content.trim() === '' ? `# ${description.split('\n')[0]?.trim() || plan}\n` : content;
  const text = isBrought(link) && !plain.includes(link) ? withIssueLinks(plain, [link]) : plain;
  const decoded = decodePlan(new TextEncoder().encode(text));
  return 'problem' in decoded ? null : decoded.content;
}

function remarks({ task, progress }: TaskSource): string[] {
  const {
    pr_url: request,
    clickup_task_id: clickup,
    linear_identifier: linear,
    linear_url: url,
    latest_review_feedback: feedback,
  } = task;
  return [
    ...(progress === null || progress.done === 0 || isOver(task)
      ? []
      : [`${progress.done} of ${counted(progress.all, 'task')} done`]),
    ...(feedback === '' || isOver(task) ? [] : [`the last review said: ${feedback.slice(0, 600)}`]),
    ...(request === '' ? [] : [`its pull request ${request} is not watched: stator did not make it`]),
    ...(linear === '' ? [] : [`its link to ${linear} is ${isBrought(url) ? 'in its document' : 'not brought'}`]),
    ...(clickup === '' ? [] : [`its link to ${clickup} of ClickUp is not brought`]),
  ];
}

/** Whether the link is imported as a link to an issue; a task without one has an empty text. */
function isBrought(link: string): boolean {
  return issueLinkProblem(link) === null;
}

function isBegun({ status }: KasmosTask): boolean {
  return status !== 'ready' && status !== 'planning';
}

function isOver({ status }: KasmosTask): boolean {
  return status === 'done' || status === 'completed' || status === 'cancelled';
}

/**
 * The state of the plan's branch in git. Lost work cannot be continued, and stator cannot work on a branch that a worktree of kasmos has checked out.
 */
function branchLines({ env }: Call, path: string, branch: string, task: KasmosTask): string[] {
  // Another line reports whether the folder is a repository.
  if (isOver(task) || !existsSync(path)) return [];
  const found = askGit({ cwd: path, env }, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
  if (found === null) return isBegun(task) ? [`git has no branch ${branch}: what kasmos did on it is not here`] : [];
  const listed = askGit({ cwd: path, env }, ['worktree', 'list', '--porcelain']) ?? '';
  const held = listed.split('\n\n').find((one) => one.split('\n').includes(`branch refs/heads/${branch}`));
  const [folder] = held === undefined ? [] : (/^worktree (.*)$/m.exec(held) ?? []).slice(1);
  if (folder === undefined) return [];
  const frees =
    folder === path
      ? `git -C ${shellWord(folder)} switch --detach`
      : `git -C ${shellWord(path)} worktree remove ${shellWord(folder)}`;
  return [`${folder} holds its branch; first: ${frees}`];
}

/** The creation of the plan in the journal: a plan that was deleted and imported again is another plan. */
async function birthOf(client: Client, { project, plan }: PlanShow): Promise<number> {
  const history = await client.history(project, plan);
  return history.findLast(({ event, actor }) => event === 'begun' && actor === '')?.seq ?? 0;
}

function keyOf({ project, plan }: PlanShow, birth: number, { type }: ImportedSignal): string {
  return `import:kasmos:${project}/${plan}:${birth}:${type}`;
}

async function send(client: Client, plan: PlanShow, signal: ImportedSignal, dedupeKey: string): Promise<void> {
  const answer = await client.send({ project: plan.project, plan: plan.plan, ...signal, dedupeKey, waitMs: verdictMs });
  if (answer.signal.status !== 'failed') return;
  const [why = '', hint = ''] = refusalLines(answer);
  throw new EngineError('refused', why, hint.replace(/^hint: /, ''));
}
