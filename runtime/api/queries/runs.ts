/** Agents and their runs for people: instances by title. */

import { basename } from 'node:path';
import { actorAt, snapshotOf } from '../../../actors/addressee.ts';
import type { AgentContext } from '../../../machines/agent/context.ts';
import type { Reason } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { pathOfRequest, planTree, taskIn } from '../../../machines/vocabulary/ids.ts';
import { isProgramPreset } from '../../base/config/preset-programs.ts';
import { createFileMemory } from '../../base/platform/file-memory.ts';
import type { RunQuery } from '../../core/store/port.ts';
import type { RunRow, UsageRow } from '../../core/store/rows.ts';
import { lastActivityMs } from '../../work/agents/liveness.ts';
import { takesMessages } from '../../work/agents/message-input.ts';
import { tailOf } from '../../work/agents/output-log.ts';
import { readLog, type ShownWork } from '../../work/agents/reports/readable-log.ts';
import { type RunFolder, runFolderAt, runIdOf } from '../../work/agents/run-folder.ts';
import { hasInput } from '../../work/agents/terminal-input.ts';
import { runsRoot } from '../../work/effects/workplace.ts';
import type { PermissionQuestion } from '../contract/permissions.ts';
import type { InstanceEntry, RunLog } from '../contract/runs.ts';
import { currentChoices, limitOf, type QueueChoices } from './accounts.ts';
import { type CaptureQuestion, capturedLines, type RunLogQuestion, runLogs } from './run-logs.ts';
import { isAtWork } from './run-process.ts';
import { timeOrNull, timeText } from './time-text.ts';
import { usageOfTitle } from './usage.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { soundPlan } from './waiting.ts';

const lineLimit = 200;
const lineTailBytes = 2_048;
const eventTailBytes = 32 * 1024;
/** The text at the end of each log, by the log's last change. Most logs of a large plan have ended, and are listed at each request. */
const lastWords = createFileMemory<Pick<InstanceEntry, 'last_line' | 'work'>>(2_000);
const noWords: Pick<InstanceEntry, 'last_line' | 'work'> = { last_line: null, work: null };

export function createRunViews(parts: ViewDependencies) {
  const { store } = parts;

  /** Runs of an earlier plan of that name do not belong to this one. */
  async function usageOf(of: RunRow): Promise<readonly UsageRow[]> {
    return store.usage(of, (await store.plan(of.project, of.plan))?.createdAt ?? 0);
  }

  /** Reads the usage once per plan. */
  async function withUsage(rows: readonly RunRow[]): Promise<InstanceEntry[]> {
    const profileChoices = await currentChoices(parts);
    const known = new Map<string, Promise<readonly UsageRow[]>>();
    return Promise.all(
      rows.map(async (row) => {
        const tree = planTree(row.project, row.plan);
        const usage = known.get(tree) ?? usageOf(row);
        known.set(tree, usage);
        return instanceEntry(parts, row, { usage: await usage, profileChoices });
      }),
    );
  }

  async function instance(project: string, title: string): Promise<InstanceEntry> {
    const [row] = await store.runs({ by: 'title', project, title });
    if (row !== undefined)
      return instanceEntry(parts, row, { usage: await usageOf(row), profileChoices: await currentChoices(parts) });
    throw new EngineError('not_found', `instance not found: "${title}"`, 'see them with: stator agent list');
  }

  return {
    instance,
    instances: async (filter: Omit<Extract<RunQuery, { by: 'latest' }>, 'by' | 'limit'>): Promise<InstanceEntry[]> =>
      withUsage(await store.runs({ by: 'latest', ...filter })),
    runLogs: (question: RunLogQuestion): Promise<RunLog[]> => runLogs(parts, question),
    /** The end of an agent's log; of it the lines from `start` to `end`, counted from its end. Throws `not_found`, `elsewhere`. */
    async capture({ project, title, ...lines }: CaptureQuestion): Promise<string> {
      const entry = await instance(project, title);
      parts.projects.mustBeHere(project);
      return capturedLines(entry, lines);
    },
  };
}

async function instanceEntry(
  parts: ViewDependencies,
  row: RunRow,
  { usage, profileChoices }: { readonly usage: readonly UsageRow[]; readonly profileChoices: QueueChoices },
): Promise<InstanceEntry> {
  const waits = await waitOfRun(parts, row);
  const limit = row.state === 'queued' ? limitOf(profileChoices, row) : null;
  const isHere = !parts.projects.isElsewhere(row.project);
  const folder = row.folder === null || !isHere ? null : runFolderAt(runsRoot(parts.home), basename(row.folder));
  const activity = folder === null ? 0 : lastActivityMs(folder);
  // For its plan the agent still runs while its work is checked and merged, although its process has ended.
  const takesInput = row.state === 'running' && row.exit_code === null && folder !== null && hasInput(folder);
  return {
    title: row.title,
    project: row.project,
    plan: row.plan,
    role: row.role,
    state: row.state as InstanceEntry['state'], // the stored text is one of the machine's states
    live: isAtWork(parts, row),
    run: runIdOf(parts.home, row.key),
    pid: row.pid,
    attempt: row.attempt,
    worktree: row.worktree,
    branch: row.branch,
    started_at: timeOrNull(row.started_at),
    // Its log is created shortly before its process starts.
    last_activity_at: activity === 0 ? null : timeText(Math.max(activity, row.started_at ?? 0)),
    exit_code: row.exit_code,
    exit_note: exitNote(row),
    reason: row.reason as Reason | null, // the stored text is one of the machine's reasons
    ...waits,
    waits_until: limit === null ? waits.waits_until : timeText(limit.until),
    takes_input: takesInput,
    takes_keys: takesInput && folder !== null && !takesMessages(folder),
    ...(isHere ? {} : { host: parts.projects.find(row.project)?.host }),
    log: folder?.log ?? null,
    ...(folder === null || activity === 0 ? noWords : lastWordsOf(folder, row.preset, activity)),
    preset: row.preset,
    usage: usageOfTitle(usage, row.title),
    ...olderFields(row),
  };
}

/** Exit codes from 128 on name the signal that ended a process: 128 plus its number. */
const signalCodes = 128;

function exitNote({ state, exit_code: code }: Pick<RunRow, 'state' | 'exit_code'>): string | null {
  if (state !== 'succeeded' || code === null || code <= signalCodes) return null;
  return `ended by signal ${code - signalCodes} after it had said its result, which counts`;
}

const activeStates: ReadonlySet<string> = new Set(['starting', 'running', 'waiting', 'stopping']);
const loadingStates: ReadonlySet<string> = new Set(['queued', 'starting']);

/** The fields that programs for kasmos read. */
function olderFields({ project, role, title, state, preset, queued_at: queuedAt }: RunRow) {
  const { wave, task } = (role === 'coder' ? taskIn(title) : null) ?? { wave: 0, task: 0 };
  return {
    id: `${project}/${title}`,
    active: activeStates.has(state),
    loading: loadingStates.has(state),
    ready: state === 'waiting',
    paused: state === 'paused',
    program: preset ?? '',
    created_at: timeText(queuedAt),
    task_number: Number(task),
    wave_number: Number(wave),
  };
}

/** The row says only that it waits; its actor knows until when and for what. */
export async function waitOfRun(
  { cache }: Pick<ViewDependencies, 'cache'>,
  {
    project,
    plan,
    run,
    state,
    reason,
    ended_at: endedAt = null,
  }: Pick<RunRow, 'project' | 'plan' | 'run' | 'state' | 'reason'> & { readonly ended_at?: number | null },
): Promise<Pick<InstanceEntry, 'permissions' | 'waits_until'>> {
  const isTimed = state === 'backing_off' || (state === 'waiting' && reason === 'rate-limited');
  const mayAsk = (state === 'waiting' && endedAt === null) || state === 'paused';
  const tree = isTimed || mayAsk ? await soundPlan(cache, { project, plan }) : null;
  const actor = tree === null ? null : actorAt(tree.root, pathOfRequest(run));
  if (actor === null) return { waits_until: null, permissions: [] };
  const { dueAt, permissions } = snapshotOf(actor).context as AgentContext; // a run's tree is an agent's
  return { waits_until: isTimed ? timeText(dueAt) : null, permissions: permissions.map(permissionEntry) };
}

function permissionEntry(permission: AgentContext['permissions'][number]): PermissionQuestion {
  return {
    id: permission.id,
    tool: permission.tool,
    detail: permission.detail,
    asked_at: timeText(permission.askedAt),
    until: timeText(permission.dueAt),
  };
}

/** `changedMs`: as `lastActivityMs`. */
function lastWordsOf(folder: RunFolder, preset: string | null, changedMs: number): typeof noWords {
  const state = { text: String(changedMs), changedMs };
  return lastWords.of(folder.path, state, () => readWords(folder, preset));
}

/** The readable part of a line that is written for programs. */
function readWords(folder: RunFolder, preset: string | null): typeof noWords {
  const bytes = preset !== null && isProgramPreset(preset) ? eventTailBytes : lineTailBytes;
  const { lastLine, work } = readLog(preset, tailOf(folder, bytes));
  return {
    last_line: lastLine?.trim().slice(0, lineLimit) ?? null,
    work: work === null ? null : { ...work, plan: [...work.plan], text: workText(work) },
  };
}

function workText({ plan, context }: ShownWork): string {
  const done = plan.filter(({ state }) => state === 'completed').length;
  return [
    ...(plan.length === 0 ? [] : [`${done} of ${plan.length} of its plan`]),
    ...(context === null ? [] : [contextText(context)]),
  ].join(', ');
}

function contextText({ used, size }: NonNullable<ShownWork['context']>): string {
  if (size === null || size === 0) return `${Math.ceil(used / 1_000)}k tokens of context`;
  return `${Math.round((used / size) * 100)} % of its context`;
}
