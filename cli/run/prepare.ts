/** The steps before a plan runs: its repo and document are registered or updated, and it is started or continued. */

import { type PlanTask, parsePlan } from '../../machines/document/plan-document.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { isOver } from '../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { identityIn } from '../../runtime/engine/preflight.ts';
import type { Call } from '../command.ts';
import { commitHook, commitHookLines } from '../commit-hook.ts';
import { type BoundFile, bind, findPlan, isEdited, planOfFile, readAsBefore } from '../file-binding.ts';
import { printReading } from '../plan-file.ts';
import { type AfterPlanning, advanceOf, afterPlanning, type PlanningFlags } from '../planned.ts';
import { ensureRegistered } from '../registered.ts';
import { plain } from '../text.ts';
import type { TrustFlag } from '../trust/flag.ts';
import { beginPlan, linesOf, readDraft, refuseFailed } from './begin.ts';
import { journalOf } from './journal.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { Warnings } from './warnings.ts';

/** A busy engine may need this long until the plan has begun. */
export const startMs = 60_000;

export interface RunRequest extends BoundFile, PlanningFlags {
  readonly repo: string;
  readonly trust: TrustFlag;
  /** Continues with the trusted version if the files have changed since. */
  readonly keepsTrust: boolean;
  readonly branch: string | undefined;
  readonly topic: string | undefined;
  /** `--force`: accepts a file whose name is not that of a markdown file. */
  readonly force: boolean;
  /** How long the plan may wait without progress; null: without a limit. */
  readonly waitLimitMs: number | null;
}

interface Ready {
  readonly project: string;
  readonly plan: string;
  readonly since: number;
  readonly after: AfterPlanning;
}

export type Prepared =
  | ({ readonly kind: 'started' } & Ready)
  /** The plan is planned, and was not started. */
  | ({ readonly kind: 'planned'; readonly shown: PlanShow } & Ready)
  /** The plan had ended before this `run`. */
  | { readonly kind: 'over'; readonly outcome: Exclude<Outcome, { kind: 'goes-on' }>; readonly plan: PlanShow };

/**
 * Throws `refused` if the plan does not accept the document or the start, `conflict` if the plan belongs to another file or branch, and the errors of
 * registering.
 */
export async function prepareRun(
  call: Call,
  client: Client,
  { request: given, warnings }: { request: RunRequest; warnings: Warnings },
): Promise<Prepared> {
  // Checked before anything runs: without an author an agent's work could not be committed, and would be lost.
  await identityIn(given.repo);
  const project = await ensureRegistered(call, client, {
    path: given.repo,
    trust: given.trust,
    way: 'run',
    keepsTrust: given.keepsTrust,
  });
  const again = await readAsBefore(call, client, project, given);
  if (again !== null) printReading(call, again.reading);
  const request = again === null ? given : { ...given, name: again.name, content: again.content };
  await warnings.look();
  const { plan, shown: before } = await planOfFile(client, project, request);
  const registered = before ?? (await registerOnce(client, project, request));
  // Shown once for each plan.
  const hook = before === null ? commitHook(call, request.repo) : null;
  if (hook !== null && !request.content.includes(hook.command)) call.out.note(commitHookLines(hook).join('\n'));
  const since = before === null ? 0 : await lastSeq(client, project, plan);
  refuseOtherBranch(registered, request);
  // A document that marks all tasks of a done plan as done changes nothing. The plan itself may have marked them.
  const isMarked = registered.status === 'done' && isWholeMarked(tasksOf(request.content));
  const wasEdited = isEdited(request, registered) && !isMarked;
  if (!wasEdited) await bind(client, registered, request);
  if (isOver(registered.status)) return wasEdited ? overAndEdited(registered, request) : over(registered);
  if (wasEdited) await takeEdit(client, registered, request);
  // The plan is read again: the document may have changed its dependencies, and a person may have answered meanwhile.
  const now = registered.blocked === null && !wasEdited ? registered : await client.plan(project, plan);
  if (isOver(now.status)) return over(now);
  const after = await afterPlanning(call, client, project, request);
  const ready = { project, plan, since, after };
  const started: Prepared = { kind: 'started', ...ready };
  if (after === 'stops') refusePlannedBefore(now);
  if (now.paused)
    refuseFailed(
      await client.send({ project, plan, type: 'resume', waitMs: startMs }),
      `${plan} is paused and cannot go on`,
    );
  // Agents that an earlier engine left may still work beside the one that asks. The watcher notices when they end.
  if (now.blocked !== null) return started;
  if (now.status !== 'ready') return started;
  if (now.phase === 'planned' && waitsForPerson(after, now, request)) return { kind: 'planned', shown: now, ...ready };
  const marked = now.phase === 'planned' ? wholeMarked(now, request) : null;
  if (marked !== null) return marked;
  if (now.base_remote !== null && now.base_remote.behind > 0) call.out.note(`base ${plain(now.base_remote.text)}`);
  await beginPlan(client, { shown: now, file: request.file, waitMs: startMs, advance: advanceOf(after) });
  return started;
}

/** A document that marks every task as done; null: a task is open. */
function wholeMarked(plan: PlanShow, { file }: RunRequest): Prepared | null {
  const tasks = tasksOf(plan.content);
  if (!isWholeMarked(tasks)) return null;
  const text = `${plan.plan}: its document marks all of its tasks (${tasks.length}) as done, and nothing is started`;
  const steps = [`to have one done again take its mark away, then: stator run ${shellWord(file)}`];
  return { kind: 'over', outcome: { kind: 'done', text, steps }, plan };
}

function isWholeMarked(tasks: readonly PlanTask[]): boolean {
  return tasks.length > 0 && tasks.every(({ isDone }) => isDone);
}

function tasksOf(content: string): PlanTask[] {
  return parsePlan(content).document.waves.flatMap(({ tasks }) => tasks);
}

/** A person's own edit is wanted; a planner's version may not have been read by anyone. */
function waitsForPerson(after: AfterPlanning, { content }: PlanShow, request: RunRequest): boolean {
  return after === 'stops' || (after === 'asks' && content !== request.content);
}

/** `--plan-only` does not stop work that already runs. */
function refusePlannedBefore({ plan, status, phase, auto_advance: advances }: PlanShow): void {
  if (status === 'ready' || (status === 'planning' && !advances)) return;
  const name = shellWord(plan);
  if (status === 'planning')
    throw new EngineError(
      'refused',
      `${plan} is being planned already, and is carried out as soon as it is planned`,
      `begin its planning anew, and end there: stator plan start ${name} --plan-only; or leave --plan-only out`,
    );
  const where = phase === null || phase === status ? status : `${status} (${phase.replaceAll('_', ' ')})`;
  throw new EngineError('refused', `${plan} is ${where}: it was planned before`, 'leave --plan-only out');
}

async function takeEdit(client: Client, { project, plan }: PlanShow, { content, bound, file, as }: RunRequest) {
  const answer = await client.updateContent(project, plan, content, {
    as: 'stator',
    ...(bound === null ? {} : { file: bound, fileAs: as }),
  });
  if (answer.signal.status !== 'failed') return;
  const { document, problems } = await readDraft({ content, file: bound, as });
  const isMistaken = document.waves.length > 0 && problems.length > 0;
  const mistakes = isMistaken
    ? linesOf(file, problems)
        .map((line) => `\n${line}`)
        .join('')
    : '';
  refuseFailed(answer, `${file} was edited since, and the plan does not take it now${mistakes}`);
}

function over(plan: PlanShow): Prepared {
  const outcome = outcomeOf(plan, []);
  if (outcome.kind === 'goes-on') throw new Error(`plan ${plan.plan} is ${plan.status} and goes on`);
  const text = outcome.text.replace(/^(\S+ is) (?=done|cancelled)/, '$1 already ');
  const again = outcome.kind === 'done' ? [`stator plan advance ${shellWord(plan.plan)} reimplement`] : [];
  const steps = [...outcome.steps, ...again];
  return { kind: 'over', outcome: { ...outcome, text, steps }, plan };
}

/** The finished work differs from the present file, so a person decides. */
function overAndEdited(plan: PlanShow, { file }: RunRequest): Prepared {
  const [name, path] = [shellWord(plan.plan), shellWord(file)];
  const again = `stator plan advance ${name} ${plan.status === 'done' ? 'start-over' : 'reopen'} && stator run ${path}`;
  const text = `${plan.plan} is ${plan.status}, and ${file} was edited since: the edit is not carried out`;
  const steps = [again, `stator run ${path} --name <another name>`];
  return { kind: 'over', outcome: { kind: 'needs-person', text, steps }, plan };
}

function refuseOtherBranch({ plan, branch }: PlanShow, request: RunRequest): void {
  if (request.branch === undefined || request.branch === branch) return;
  throw new EngineError(
    'conflict',
    `plan ${plan} works on the branch ${branch}, and not on ${request.branch}`,
    'leave --branch out; or make it a plan of its own: --name <another name>',
  );
}

/** Another `run` of the same file may register it in the meantime. */
async function registerOnce(client: Client, project: string, request: RunRequest): Promise<PlanShow> {
  const { name, content, bound, branch, topic, as } = request;
  try {
    const own = { plan: name, content, as: 'stator', fileAs: as, branch, topic, file: bound ?? undefined };
    return await client.registerPlan({ project, ...own });
  } catch (thrown) {
    const isTaken = thrown instanceof EngineError && thrown.code === 'conflict';
    const other = isTaken ? await findPlan(client, project, name) : null;
    if (other === null || other.file !== bound || other.content !== content) throw thrown;
    return other;
  }
}

async function lastSeq(client: Client, project: string, plan: string): Promise<number> {
  let last = 0;
  for await (const { seq } of journalOf(client, { project, plan })) last = seq;
  return last;
}
