/** Stores the report of an agent's program about an ended run. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { amountLimit } from '../../../machines/vocabulary/budget.ts';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { argumentHint, isProgramPreset, loginHint, modelHint } from '../../base/config/preset-programs.ts';
import type { Log } from '../../base/platform/log.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { traceHere } from '../../base/platform/trace-context.ts';
import type { Store } from '../../core/store/port.ts';
import type { EffectRow, RunRow } from '../../core/store/rows.ts';
import { tailOf } from '../agents/output-log.ts';
import { readFunctionAnswer } from '../agents/preset-own.ts';
import { reportOf } from '../agents/reports/read-log.ts';
import { readableLog } from '../agents/reports/readable-log.ts';
import { messageLimit, type ProgramReport, type RunReport } from '../agents/reports/report.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { withoutSetup } from './worktree-setup.ts';

interface ReportParts {
  readonly store: Pick<Store, 'run' | 'conversationTokens' | 'commit'>;
  readonly log: Log;
}

/** The run's end, read from its folder. */
export interface RanSo {
  readonly key: string;
  readonly code: number | null;
  readonly wasStopped: boolean;
}

/** The readable part of a line that is written for programs. */
const eventTailBytes = 64 * 1024;
/** The wait if the limit's reset is not stated, or was already over when it was stated. */
const unknownResetMs = 300_000;
/** The wait after a reset that has passed meanwhile: short, but long enough that a wrong clock does not cause endless retries. */
const soonestMs = 1_000;
/** No known service has a limit of more than a week. */
const longestResetMs = 7 * 86_400_000;

/**
 * Reads the log of an ended run and writes its usage to its row, and to its folder as `report.json`; null if its preset has no report. An unreadable log is
 * reported in daemon.log, and stops nothing. After a crash, a second call writes the same.
 */
export async function noteReport(
  { store, log }: ReportParts,
  ran: RanSo,
  folder: RunFolder,
): Promise<RunReport | null> {
  const row = await store.run(ran.key);
  const preset = row?.preset ?? null;
  if (row !== null && preset === 'command' && row.role === 'session') await noteOutput({ store, log }, row, folder);
  if (row !== null && preset === 'function') return noteAnswer(store, ran, folder);
  if (row === null || preset === null || !isProgramPreset(preset)) return null;
  try {
    const report = await reportOf(preset, folder, ran.code);
    const isDeadEnd =
      report.isContextFull ||
      (wasResumed(folder) && !ran.wasStopped && report.code !== 0 && !report.hasSpoken && report.rateLimit === null);
    const seen = await usageOf(store, row, { report, folder });
    const { inputTokens, outputTokens, costUsd } = seen;
    const conversation = isDeadEnd ? null : seen.conversation;
    const { lastMessage, rateLimit } = report;
    const problem = report.code === 0 ? null : report.problem;
    const usage = { conversation, inputTokens, outputTokens, costUsd, lastMessage };
    if (report.isModelRefused) writeRunFile(modelRefusedFile(folder), '');
    await store.commit([
      {
        do: 'run.note',
        key: row.key,
        set: {
          conversation,
          input_tokens: inputTokens,
          output_tokens: outputTokens,
          cost_usd: costUsd,
          last_message: lastMessage,
        },
      },
    ]);
    const trace = traceHere();
    const ids = trace === null ? {} : { trace_id: trace.traceId, span_id: trace.spanId };
    const record = { preset, ...usage, rateLimit, problem, ...ids };
    writeRunFile(join(folder.path, 'report.json'), `${JSON.stringify(record)}\n`);
    return { ...report, conversation, inputTokens, outputTokens };
  } catch (thrown) {
    log.warn(`what ${row.title} reported of its run was not read: ${messageOf(thrown)}`);
    return null;
  }
}

/** A function's result is its last message. */
async function noteAnswer(store: ReportParts['store'], { key, code }: RanSo, folder: RunFolder): Promise<RunReport> {
  const answer = readFunctionAnswer(folder);
  const hasEnded = answer?.code === 0;
  const said = answer === null ? '' : safeText(answer.text).trim().slice(-messageLimit);
  const lastMessage = said === '' ? null : said;
  await store.commit([{ do: 'run.note', key, set: { last_message: lastMessage } }]);
  const none = {
    code,
    conversation: null,
    inputTokens: null,
    outputTokens: null,
    costUsd: null,
    rateLimit: null,
  } as const;
  return {
    ...none,
    countedOver: 'run',
    lastMessage: hasEnded ? lastMessage : null,
    readMessages: [],
    finalMessages: hasEnded ? [answer.text] : [],
    isOver: hasEnded,
    denied: false,
    refusedArgument: null,
    isContextFull: false,
    isModelRefused: false,
    problem: hasEnded ? null : lastMessage,
    hasSpoken: true,
  };
}

/** The end of a user-defined program's output is its message: the next session gets it. */
async function noteOutput({ store, log }: ReportParts, { key, title }: RunRow, folder: RunFolder): Promise<void> {
  try {
    const said = safeText(withoutSetup(folder, tailOf(folder, messageLimit))).trim();
    if (said !== '') await store.commit([{ do: 'run.note', key, set: { last_message: said } }]);
  } catch (thrown) {
    log.warn(`what ${title} wrote was not read: ${messageOf(thrown)}`);
  }
}

/**
 * This run's part of the reported usage: some programs count over all runs of a conversation. For a truncated log, the row knows
 * the conversation, and what was read of it before counts.
 */
export async function usageOf(
  store: Pick<Store, 'conversationTokens'>,
  row: RunRow,
  { report, folder }: { readonly report: ProgramReport; readonly folder: RunFolder },
): Promise<Pick<ProgramReport, 'conversation' | 'inputTokens' | 'outputTokens' | 'costUsd'>> {
  const isCut = existsSync(folder.olderLog);
  const conversation = report.conversation ?? resumedIn(folder) ?? (isCut ? row.conversation : null);
  const others =
    report.countedOver === 'conversation' && wasResumed(folder) && conversation !== null
      ? await store.conversationTokens({ project: row.project, conversation, exceptKey: row.key })
      : { input: 0, output: 0 };
  // More than is plausible would make the sums of all runs unreadable.
  const counted = (count: number | null, before: number | null) => {
    const known = [count, isCut ? before : null].filter((value) => value !== null);
    return known.length === 0 ? null : Math.min(Math.max(...known), amountLimit);
  };
  const less = (count: number | null, other: number) =>
    count === null ? null : Math.max(0, Math.round(count) - other);
  return {
    conversation,
    inputTokens: counted(less(report.inputTokens, others.input), row.input_tokens),
    outputTokens: counted(less(report.outputTokens, others.output), row.output_tokens),
    costUsd: counted(report.costUsd, row.cost_usd),
  };
}

/**
 * Exit codes that name the signal that ended a program: 128 and its number. Higher ones are the program's own: gemini exits with 173 at a limit, which is 429
 * in eight bits.
 */
const isSignalCode = (code: number) => code > 128 && code < 160;

/**
 * When the limit that ended the run is over, in ms; null: there was none, or the run succeeded or was killed. A program that reaches a limit reports it and
 * exits. If a process signal ended the program, the report of a limit is not reliable.
 */
export function limitedUntil(
  report: RunReport | null,
  { code, wasStopped }: RanSo,
  { nowMs, folder }: { readonly nowMs: number; readonly folder: Pick<RunFolder, 'log'> },
): number | null {
  if (report?.rateLimit == null || wasStopped || code === null || code === 0 || isSignalCode(code)) return null;
  const { untilMs } = report.rateLimit;
  // The engine may have been away since: the reset counts if it was in the future when it was stated.
  const saidAtMs = Math.floor(statSync(folder.log, { throwIfNoEntry: false })?.mtimeMs ?? nowMs);
  if (untilMs === null || untilMs <= saidAtMs) return nowMs + unknownResetMs;
  return Math.min(Math.max(untilMs, nowMs + soonestMs), nowMs + longestResetMs);
}

/**
 * The remedy for a failure that every attempt would repeat: the service refused the run's login or model, or the program refused an argument; null: no such
 * failure. A run with a refused login may have been ended by us, because it would retry for ever.
 */
export function unusableHint(
  report: RunReport | null,
  { code }: RanSo,
  { preset, role, flags }: { readonly preset: string | null; readonly role: string; readonly flags: readonly string[] },
): string | null {
  if (report === null || code === 0 || preset === null || !isProgramPreset(preset)) return null;
  if (report.denied) return loginHint(preset, role);
  if (report.lastingProblem != null) return report.lastingProblem;
  if (report.isModelRefused) return modelHint(preset, role);
  return report.refusedArgument === null ? null : argumentHint(preset, { role, said: report.refusedArgument, flags });
}

/**
 * The remedy if another run of the plan was refused its model after this run was requested: this run would be refused too. null: none was. A run that a
 * person requests afterwards is started.
 */
export async function modelRefusedBefore(
  { store }: { readonly store: Pick<Store, 'run' | 'runs'> },
  { key, project, plan }: Pick<EffectRow, 'key' | 'project' | 'plan'>,
): Promise<string | null> {
  const own = await store.run(key);
  if (own === null || own.queued_at === null) return null;
  const askedAt = own.queued_at;
  const refused = (await store.runs({ by: 'latest', project, plan })).find(
    ({ role, ended_at: endedAt, folder, preset }) =>
      role === own.role &&
      preset !== null &&
      isProgramPreset(preset) &&
      (endedAt ?? 0) > askedAt &&
      folder !== null &&
      existsSync(modelRefusedFile({ path: folder })),
  );
  if (refused === undefined || refused.preset === null || !isProgramPreset(refused.preset)) return null;
  return `${modelHint(refused.preset, refused.role)}; ${refused.title} was refused it while this one waited`;
}

function modelRefusedFile({ path }: Pick<RunFolder, 'path'>): string {
  return join(path, 'model-refused');
}

/** The end of a run as text: the agent's last message, or the program's error. null: only the output shows it. */
export function failureText(
  report: RunReport | null,
  { code }: RanSo,
  folder: RunFolder,
  preset: string | null,
): string | null {
  if (report === null) return null;
  const message = [report.lastMessage, code === 0 ? null : report.problem].filter((text) => text !== null).join('\n\n');
  if (message !== '') return message;
  const text = readableLog(preset, tailOf(folder, eventTailBytes)).trim();
  return text === '' ? null : text.slice(-messageLimit);
}

/** Records that this run resumes a conversation; written before the launch. */
export function writeResumed(folder: RunFolder, conversation: string): void {
  writeRunFile(resumedFile(folder), `${conversation}\n`);
}

function wasResumed(folder: RunFolder): boolean {
  return existsSync(resumedFile(folder));
}

/** The conversation that the run resumed; null: it began a new one. */
function resumedIn(folder: RunFolder): string | null {
  return wasResumed(folder) ? readFileSync(resumedFile(folder), 'utf8').trim() : null;
}

function resumedFile({ path }: RunFolder): string {
  return join(path, 'resumed');
}
