/** Determines the outcome of an ended run: its facts are read, one pure function decides, and the decision is carried out. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError, reasonOf, withHint } from '../../../machines/vocabulary/errors.ts';
import { isJudge, isWorker } from '../../../machines/vocabulary/ids.ts';
import { logCommand } from '../../../machines/vocabulary/reason-text.ts';
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import { isAcpPreset } from '../../base/config/acp/agents.ts';
import { lookAtBudget, nearNotifications } from '../../core/outbox/budget.ts';
import type { EffectContext, Outcome } from '../../core/outbox/handler.ts';
import { accountLimited, heldUntil, lookAtAccounts, profileOf, quotaChanges } from '../agents/accounts.ts';
import { quotasOf } from '../agents/conversation-quotas.ts';
import { takesMessages, typedMessages } from '../agents/message-input.ts';
import { outputEnd } from '../agents/output-end.ts';
import { tailOf } from '../agents/output-log.ts';
import { idleCode } from '../agents/relay/acp-settings.ts';
import type { RunReport } from '../agents/reports/report.ts';
import { verdictIn, verdictSignals } from '../agents/reports/verdict.ts';
import { limitReached } from '../agents/resource-watch.ts';
import { type RunFolder, readExit, writeRunFile } from '../agents/run-folder.ts';
import { unstartedAgent } from '../agents/wrapper.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { type LimitsEnd, limitsEnd } from '../sandbox/resources.ts';
import { waitsForWalls, wallsFailureOf } from '../sandbox/walls.ts';
import type { PrepareParts } from './agent-start.ts';
import { isDirty, type Leftovers, withheldText } from './coordinator-end.ts';
import { wasEndedAsOver } from './final-result.ts';
import { reportLostWork } from './lost-work.ts';
import { wasAway } from './place-away.ts';
import { lostWords } from './restored-run.ts';
import { failureText, limitedUntil, noteReport, unusableHint } from './run-report.ts';
import { readBase, runSiteOf } from './workplace.ts';
import { withoutSetup } from './worktree-setup.ts';

/** The length of the output's end in a reason; the log has the rest. */
const tailBytes = 4_096;
/** The longest error text in an end's reason. */
const reasonLimit = 8_192;
const noLimits: LimitsEnd = { kind: 'none' };

type Exited = Pick<SignalPayload<'run_exited'>, 'code' | 'cause' | 'detail' | 'until'>;

/** How the process of a run ended. */
export interface ProcessEnd {
  /** null: it is not known. */
  readonly code: number | null;
  /** Why its walls could not be built, or its agent not be started: an error if the environment is at fault. null: the agent began. */
  readonly unbuilt: EngineError | string | null;
  /** Whether its worktree was away while it ran. */
  readonly wasAway: boolean;
  readonly limits: LimitsEnd;
}

/** The end of a run in which the agent itself did not fail: it could not work. null: it could. */
export function endWithoutWork({ code, unbuilt, wasAway: isAway, limits }: ProcessEnd): Exited | null {
  // Its own process limit can forbid the fork, too.
  if (unbuilt instanceof EngineError && limits.kind === 'none')
    return { code: null, cause: 'stopped', detail: withHint(unbuilt) };
  if (unbuilt !== null) return { code: null, cause: 'start-failed', detail: reasonOf(unbuilt) };
  if (code !== 0 && isAway) return { code, cause: 'stopped', detail: 'its worktree was away while it ran' };
  if (limits.kind === 'unmade') return { code: null, cause: 'start-failed', detail: limits.text.slice(-reasonLimit) };
  return null;
}

export interface RunFacts {
  readonly code: number | null;
  readonly wasStopped: boolean;
  /** The last message of the agent or of its program, or the end of the output. */
  readonly detail: string;
  /** Whether the engine ended it because it exceeded a limit, and nothing else had asked it to stop. */
  readonly tookTooMuch: boolean;
  /** Whether limits that the operating system applies caused its failure. */
  readonly metLimits: boolean;
  /** When the limit of its account is over, in ms; null: it has reached none. */
  readonly limitedUntil: number | null;
  /** The remedy for a failure that every attempt would repeat; null: no such failure. */
  readonly remedy: string | null;
  /** Why its commits may not be put on the branch; null: they may. */
  readonly withheld: string | null;
  /** Why its success does not count after a restore of the store; null: it counts. */
  readonly lost: string | null;
}

export type RunEnd =
  | { readonly cause: 'rate-limited'; readonly detail: string; readonly until: number }
  | { readonly cause: 'lost'; readonly detail: string }
  | { readonly cause: Exclude<Exited['cause'], 'rate-limited'>; readonly detail: string };

/** The outcome of the run. `unusable`: another attempt would fail in the same way, so a person is asked. */
export function endOf(facts: RunFacts): RunEnd {
  const { code, wasStopped, detail, remedy, withheld, lost } = facts;
  const unusable = (reason: string): RunEnd => ({ cause: 'unusable', detail: reason });
  if (facts.tookTooMuch) return { cause: 'resource-limit', detail };
  if (facts.limitedUntil !== null) return { cause: 'rate-limited', detail, until: facts.limitedUntil };
  if (remedy !== null) return unusable(`${remedy}\n${detail}`.trim());
  if (code === 0 && withheld !== null) return unusable(`${withheld}\n${detail}`.trim());
  if (facts.metLimits) return { cause: 'resource-limit', detail };
  if (wasStopped) return { cause: 'stopped', detail };
  if (code === null) return { cause: 'lost', detail };
  return code === 0 && lost !== null ? unusable(lost) : { cause: 'exit', detail };
}

interface EndedRun {
  readonly folder: RunFolder;
  readonly left: Leftovers;
}

export async function outcomeOf(
  parts: PrepareParts,
  effect: AgentRun,
  context: EffectContext,
  { folder, left }: EndedRun,
): Promise<Outcome> {
  const { row } = context;
  const code = await countedExit(parts, effect, context, { folder, left });
  const wasStopped = existsSync(stoppedFile(folder));
  const ended = wasStopped ? { code, unbuilt: null, wasAway: false, limits: noLimits } : processEnd(folder, code);
  if (ended.unbuilt instanceof EngineError && !context.stop.aborted && waitsForWalls(folder, effect.id, parts.nowMs()))
    throw ended.unbuilt;
  await noteEnd(parts, row.key, ended.unbuilt === null ? code : null);
  const early = endWithoutWork(ended);
  if (early !== null) return { type: 'run_exited', payload: early };
  const report = await noteReport(parts, { key: row.key, code, wasStopped }, folder);
  // Its program had reported success: that it was still running, and how it reacted to the stop, does not change that.
  const isOver = wasStopped && report !== null && (report.isOver || wasEndedAsOver(folder));
  const ran = isOver ? { code: 0, wasStopped: false } : { code: report === null ? code : report.code, wasStopped };
  if (ran.code !== code) await noteEnd(parts, row.key, ran.code);
  const lines_read = passUnread(context, { title: effect.title, folder, report });
  await reportNear(parts, row);
  const facts = await factsOf(parts, effect, context, { folder, left, report, limits: ended.limits, ...ran });
  const end = endOf(facts);
  if (end.cause === 'rate-limited') {
    const until = await noteLimit(parts, effect, { row, reportedUntil: end.until });
    return { type: 'run_exited', payload: { ...end, code: ran.code, until, lines_read } };
  }
  if (!facts.tookTooMuch) await noteWork(parts, effect, context, { folder, report, code: ran.code });
  if (end.cause === 'lost') return { type: 'run_lost', payload: { detail: end.detail } };
  if (end.cause === 'exit' && ran.code === 0)
    await sayVerdict(parts, effect, context, { report, about: commitOf(folder, left) });
  const payload = { ...end, code: ran.code };
  return { type: 'run_exited', payload: end.cause === 'unusable' ? payload : { ...payload, lines_read } };
}

function processEnd(folder: RunFolder, code: number | null): ProcessEnd {
  const output = tailOf(folder, tailBytes);
  return {
    code,
    unbuilt:
      (code === 1 ? wallsFailureOf(folder, withoutSetup(folder, output)) : null) ?? unstartedAgent(folder, output),
    wasAway: wasAway(folder),
    limits: code ? limitsEnd(folder, { code, output }) : noLimits,
  };
}

async function factsOf(
  parts: PrepareParts,
  { title, role, place }: AgentRun,
  { row, stop }: EffectContext,
  ended: EndedRun & {
    readonly report: RunReport | null;
    readonly limits: LimitsEnd;
    readonly code: number | null;
    readonly wasStopped: boolean;
  },
): Promise<RunFacts> {
  const ran = { key: row.key, code: ended.code, wasStopped: ended.wasStopped };
  const run = await parts.store.run(row.key);
  const preset = run?.preset ?? null;
  const words = failureText(ended.report, ran, ended.folder, preset);
  const said =
    words ??
    withoutSetup(ended.folder, outputEnd(ended.folder, { limitBytes: tailBytes, more: logCommand(title, null) }));
  // The last line, because a failing program ends with the reason.
  const reached = limitReached(ended.folder);
  const last = reached ?? (ended.limits.kind === 'none' ? null : ended.limits.text);
  const { flags } = profileOf(parts.projects.get(row.project).config.profiles, { role, run });
  return {
    code: ended.code,
    wasStopped: ended.wasStopped,
    detail: last === null ? said : `${said}\n${last}`.trim(),
    tookTooMuch: reached !== null && !stop.aborted,
    metLimits: ended.limits.kind === 'met',
    limitedUntil: limitedUntil(ended.report, ran, { nowMs: parts.nowMs(), folder: ended.folder }),
    remedy: unusableHint(ended.report, ran, { preset, role, flags }),
    withheld:
      ended.left.kind === 'kept' && ended.left.withheld !== null ? withheldText(place.branch, ended.left) : null,
    lost: lostWords({ title, role }, row.plan, { folder: ended.folder, preset }),
  };
}

/** Stores what the run reported about its account, and checks the branches of its work. */
async function noteWork(
  parts: PrepareParts,
  effect: AgentRun,
  context: EffectContext,
  {
    folder,
    report,
    code,
  }: { readonly folder: RunFolder; readonly report: RunReport | null; readonly code: number | null },
): Promise<void> {
  const { row } = context;
  const isReserved = await noteReserve(parts, effect, { row, folder, report });
  if (code === 0 && !isReserved) await noteRoom(parts, row.key);
  // It may have judged the branch without the lost work: then its verdict does not count.
  const { branch, from } = effect.place;
  if (isJudge(effect.role)) await reportLostWork(parts, context, branch);
  // The commit effect checks this for work on the plan's own branch. A failed coder's work is not merged, so nothing is checked then.
  else if (isWorker(effect.role) && branch !== from) await reportLostWork(parts, context, from);
}

export async function noteEnd(
  { store, nowMs }: Pick<PrepareParts, 'store' | 'nowMs'>,
  key: string,
  code: number | null,
): Promise<void> {
  await store.commit([{ do: 'run.note', key, set: { ended_at: nowMs(), exit_code: code, pid: null } }]);
}

/** Records that this run did not end by itself. A stop after the agent's exit ends only its leftovers. */
export function markStopped(folder: RunFolder): void {
  writeRunFile(stoppedFile(folder), '');
}

function stoppedFile({ path }: RunFolder): string {
  return join(path, 'stopped');
}

/** The exit code. An agent that used no tool, according to its protocol, has still worked if something was changed. */
async function countedExit(
  parts: PrepareParts,
  { place }: AgentRun,
  { row }: EffectContext,
  { folder, left }: { readonly folder: RunFolder; readonly left: Leftovers },
): Promise<number | null> {
  const code = readExit(folder);
  const preset = (await parts.store.run(row.key))?.preset ?? null;
  if (code !== idleCode || preset === null || !isAcpPreset(preset)) return code;
  const { repository, worktree } = await runSiteOf(parts, row, place);
  const hasMoved = (await readRef(repository, branchRef(place.branch))) !== readBase(folder);
  return left.kind !== 'none' || hasMoved || (await isDirty(repository, worktree)) ? 0 : code;
}

/** Stops all agents of the account. Returns when this one continues: at once if it has a fallback profile. */
async function noteLimit(
  parts: PrepareParts,
  { role, title, attempt, agent }: AgentRun,
  { row, reportedUntil }: { readonly row: EffectContext['row']; readonly reportedUntil: number },
): Promise<number> {
  const { project, plan } = row;
  const run = await parts.store.run(row.key);
  const account = run?.account ?? null;
  if (account === null) return reportedUntil;
  const at = parts.nowMs();
  const known = (await parts.store.accountLimits()).find((limit) => limit.account === account) ?? null;
  const until = heldUntil({ until: reportedUntil, at, startedAt: run?.started_at ?? null }, known);
  await parts.store.commit([
    accountLimited({ account, until, reportedUntil, used: null, at }, { project, plan, title }),
  ]);
  const choice = (await lookAtAccounts(parts)).choiceOf(project, role, attempt, agent);
  return choice !== null && choice.limit === null ? at : until;
}

/** Stores how much of the account's limits is left, and holds back new agents while it is less than the reserve. Returns whether it does. */
async function noteReserve(
  { store, projects, nowMs }: PrepareParts,
  { role }: AgentRun,
  ended: { readonly row: EffectContext['row']; readonly folder: RunFolder; readonly report: RunReport | null },
): Promise<boolean> {
  const run = await store.run(ended.row.key);
  const quotas = run === null ? [] : quotasOf(run, { folder: ended.folder, report: ended.report });
  if (run === null || quotas.length === 0) return false;
  const profile = profileOf(projects.get(ended.row.project).config.profiles, { role, run });
  const { changes, isReserved } = quotaChanges(run, {
    ...{ quotas, profile, known: await store.accountLimits(), at: nowMs() },
  });
  if (changes.length > 0) await store.commit(changes);
  return isReserved;
}

/** Notes that the account works again: a limit that was reported before this run began is over, because the run has succeeded. */
async function noteRoom({ store }: PrepareParts, key: string): Promise<void> {
  const run = await store.run(key);
  const { account = null, started_at: before = null } = run ?? {};
  if (account === null || before === null) return;
  const isKnown = (await store.accountLimits()).some((row) => row.account === account && row.since < before);
  if (isKnown) await store.commit([{ do: 'account.free', account, before }]);
}

/** Turns the last message of a judge's program into the signal of its role, in its agent's name and about the commit that it judged. */
async function sayVerdict(
  parts: PrepareParts,
  { role, title, place }: AgentRun,
  { row, sendAs: say, sendSignal }: EffectContext,
  { report, about }: { readonly report: RunReport | null; readonly about: string | null },
): Promise<void> {
  const verdict = report === null || !isJudge(role) ? null : verdictIn(report.finalMessages);
  if (verdict === null || !isJudge(role)) return;
  const { kind, body } = verdict;
  // Another author may have committed there meanwhile, and that commit was not judged.
  const { repository } = await runSiteOf(parts, row, place);
  const head = await readRef(repository, branchRef(place.branch));
  if (head !== null && head !== about) sendSignal('tip', 'head_moved', { head });
  const reviewed = about === null ? {} : { reviewed_sha: about };
  say(title, 'verdict', verdictSignals[role][kind], { ...(body === '' ? {} : { body }), ...reviewed });
}

/** The last commit that a judge has seen: its run's start commit, or its own commit. */
function commitOf(folder: RunFolder, left: Leftovers): string | null {
  return left.kind === 'fixed' ? left.head : readBase(folder);
}

/** Most programs report a run's cost at its end. */
async function reportNear(parts: PrepareParts, row: EffectContext['row']): Promise<void> {
  const budget = await lookAtBudget(parts, row);
  if (budget === null || budget.uses.length === 0) return;
  const near = nearNotifications(budget, budget.uses, { run: row.key, at: parts.nowMs() });
  if (near.length > 0) await parts.store.commit(near);
}

/**
 * Returns the numbers of the messages that were read. Call it when the exit code is there, so that no more input follows. If the log could not be read, all
 * messages are sent again. A line of an earlier version has no number, and is sent again.
 */
function passUnread(
  { sendSignal }: Pick<EffectContext, 'sendSignal'>,
  { title, folder, report }: { readonly title: string; readonly folder: RunFolder; readonly report: RunReport | null },
): number[] {
  if (!takesMessages(folder)) return [];
  const read = new Set(report?.readMessages);
  const typed = typedMessages(folder);
  for (const { id, text, word } of typed)
    if (word === undefined && !read.has(id)) sendSignal(`unread:${id}`, 'agent_send', { title, body: text });
  return typed.flatMap(({ id, word }) => (word !== undefined && read.has(id) ? [word] : []));
}
