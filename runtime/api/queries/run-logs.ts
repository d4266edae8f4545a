/** The logs of one agent: of its newest run, of every run of one attempt, or of the checks that judged these runs. */
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Reason } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { logCommand } from '../../../machines/vocabulary/reason-text.ts';
import type { LaunchRow, RunRow } from '../../core/store/rows.ts';
import { readCheckNote } from '../../work/agents/check-note.ts';
import { tailOf } from '../../work/agents/output-log.ts';
import { readableLog } from '../../work/agents/reports/readable-log.ts';
import { type RunFolder, readExit, runFolderAt, runIdOf } from '../../work/agents/run-folder.ts';
import { runsRoot } from '../../work/effects/workplace.ts';
import type { RunLog } from '../contract/runs.ts';
import { timeOrNull } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

/** The most logs in one answer, the newest ones: each has up to 64 KiB. */
const logLimit = 20;

export interface RunLogQuestion {
  readonly project: string;
  readonly title: string;
  /** All runs of that attempt; missing: only the newest run. */
  readonly attempt?: number | undefined;
  /** true: the logs of the checks that judged these runs, instead of the agents' logs. */
  readonly check?: boolean | undefined;
}

/** Lines are counted from the end: -50 is the fiftieth from there, 0 the end itself. Missing: from the first one, and to the last one. */
export interface CaptureQuestion {
  readonly project: string;
  readonly title: string;
  readonly start?: number;
  readonly end?: number;
}

type RunLogParts = Pick<ViewDependencies, 'home' | 'store' | 'projects'>;

/** The oldest first, at most 20. Throws `not_found` if there is no such agent or attempt, or if no check of it ran. */
export async function runLogs(parts: RunLogParts, question: RunLogQuestion): Promise<RunLog[]> {
  const { project, title, attempt, check = false } = question;
  const rows = await parts.store.runs({ by: 'title', project, title });
  if (rows.length === 0)
    throw new EngineError('not_found', `instance not found: "${title}"`, 'see them with: stator agent list');
  parts.projects.mustBeHere(project);
  const ofAttempt = attempt === undefined ? rows : rows.filter((row) => row.attempt === attempt);
  if (attempt !== undefined && ofAttempt.length === 0) throw noAttempt(title, attempt, rows);
  const logs = check
    ? await checkLogs(parts, ofAttempt, { isNewestOnly: attempt === undefined })
    : ofAttempt.slice(0, attempt === undefined ? 1 : logLimit).map((row) => agentLog(parts, row));
  if (logs.length > 0) return logs.slice(0, logLimit).reverse();
  throw new EngineError(
    'not_found',
    `no check of ${title} has run${attempt === undefined ? '' : ` in attempt ${attempt}`}`,
    `a check runs when the agent has ended well, where its task has a **Check:** line; what the agent wrote: ${logCommand(title, null)}`,
  );
}

/** The end of its newest log that is safe to print; empty if there is none. */
export function capturedLines(
  { log, preset }: { readonly log: string | null; readonly preset: string | null },
  { start = 0, end = 0 }: { readonly start?: number; readonly end?: number },
): string {
  if (log === null) return '';
  const folder = dirname(log);
  const whole = readableLog(preset, tailOf(runFolderAt(dirname(folder), basename(folder))));
  if (start === 0 && end === 0) return whole;
  const lines = whole.replace(/\n$/, '').split('\n');
  const kept = lines.slice(start === 0 ? 0 : start, end === 0 ? undefined : end);
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
}

function noAttempt(title: string, attempt: number, rows: readonly RunRow[]): EngineError {
  const numbers = [...new Set(rows.map((row) => row.attempt))].sort((a, b) => a - b);
  const last = numbers.at(-1) ?? 1;
  return new EngineError(
    'not_found',
    `${title} has no attempt ${attempt}; it has had ${numbers.length === 1 ? `attempt ${last}` : `attempts ${numbers.join(', ')}`}`,
    `read the last one with: ${logCommand(title, null)} --attempt ${last}`,
  );
}

function agentLog(parts: RunLogParts, row: RunRow): RunLog {
  // The home may have been moved since.
  const folder = row.folder === null ? null : runFolderAt(runsRoot(parts.home), basename(row.folder));
  const isThere = folder !== null && existsSync(folder.log);
  return {
    ...runOf(parts, row),
    check: null,
    log: isThere ? folder.log : null,
    text: isThere ? readableLog(row.preset, tailOf(folder)) : '',
  };
}

/** The newest first. */
async function checkLogs(
  parts: RunLogParts,
  rows: readonly RunRow[],
  { isNewestOnly }: { isNewestOnly: boolean },
): Promise<RunLog[]> {
  const logs: RunLog[] = [];
  for (const row of rows) {
    const launches = await parts.store.checksOf(row);
    logs.push(...launches.map((launch) => checkLog(parts, row, launch)).reverse());
    if (logs.length >= logLimit || (isNewestOnly && launches.length > 0)) break;
  }
  return logs;
}

function checkLog(parts: RunLogParts, row: RunRow, { folder: name, secret }: LaunchRow): RunLog {
  const folder: RunFolder = runFolderAt(runsRoot(parts.home), name, secret);
  const isThere = existsSync(folder.log);
  const { wave = null, task = null, command = null } = readCheckNote(folder) ?? {};
  return {
    ...runOf(parts, row),
    check: { wave, task, command, exit_code: readExit(folder) },
    log: isThere ? folder.log : null,
    text: isThere ? readableLog(null, tailOf(folder)) : '',
  };
}

function runOf({ home }: RunLogParts, row: RunRow) {
  return {
    title: row.title,
    run: runIdOf(home, row.key),
    attempt: row.attempt,
    reason: row.reason as Reason | null, // the stored text is one of the machine's reasons
    started_at: timeOrNull(row.started_at),
    ended_at: timeOrNull(row.ended_at),
  };
}
