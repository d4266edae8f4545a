/** Before a plan runs: its repo and its document are registered or brought up to date, and it is started, or taken up again. */
import { EngineError } from '../../machines/errors.ts';
import { parsePlan } from '../../machines/plan-document.ts';
import type { Client, PlanShow, SignalAnswer } from '../../runtime/control/client.ts';
import type { Call } from '../command.ts';
import { askGit } from '../place.ts';
import { ensureRegistered } from '../registered.ts';
import { refusalLines } from '../verdict.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/** A busy engine may need a while, and what is watched must have begun. */
const startMs = 60_000;

export interface RunRequest {
  /** As it was typed. */
  readonly file: string;
  readonly plan: string;
  readonly content: string;
  /** The main repository. */
  readonly repo: string;
  readonly trust: boolean;
  readonly branch: string | undefined;
  readonly topic: string | undefined;
}

export type Prepared =
  | { readonly kind: 'started'; readonly project: string; readonly since: number }
  /** It was over before it began. */
  | { readonly kind: 'over'; readonly outcome: Exclude<Outcome, { kind: 'goes-on' }>; readonly plan: PlanShow };

/** Throws `refused` where the plan does not take the document or the start, and what registering throws. */
export async function prepareRun(call: Call, client: Client, request: RunRequest): Promise<Prepared> {
  requireIdentity(call, request.repo);
  const project = await ensureRegistered(call, client, { path: request.repo, trust: request.trust });
  const before = await found(client, project, request.plan);
  const registered = before ?? (await registerOnce(client, project, request));
  const since = before === null ? 0 : await lastSeq(client, project, request.plan);
  if (isFinal(registered)) return over(registered);
  if (registered.content !== request.content && before !== null) {
    const answer = await client.updateContent(project, request.plan, request.content);
    refuseFailed(answer, `${request.file} was edited since, and the plan does not take it now`);
  }
  // Asked again: the document may have changed what it waits for, and a person may have answered meanwhile.
  const now = registered.blocked === null ? registered : await client.plan(project, request.plan);
  if (isFinal(now)) return over(now);
  // Agents that an earlier engine left may be at work beside the one that asks: whoever watches sees that, and when it is over.
  if (now.blocked !== null) return { kind: 'started', project, since };
  const send = (type: string) => client.send({ project, plan: request.plan, type, waitMs: startMs });
  if (now.paused) refuseFailed(await send('resume'), `${request.plan} is paused and cannot go on`);
  if (now.status === 'ready') {
    const answer = await send('implement_start');
    // Another `run` of the same plan may have been a moment sooner.
    const isRefused =
      answer.signal.status === 'failed' && (await client.plan(project, request.plan)).status === 'ready';
    if (isRefused) refuseFailed(answer, notStarted(request), () => documentProblems(request));
  }
  return { kind: 'started', project, since };
}

function isFinal({ status }: PlanShow): boolean {
  return status === 'done' || status === 'cancelled';
}

function over(plan: PlanShow): Prepared {
  const outcome = outcomeOf(plan, []);
  if (outcome.kind === 'goes-on') throw new Error(`plan ${plan.plan} is ${plan.status} and goes on`);
  const isEnd = outcome.kind === 'done' || outcome.kind === 'cancelled';
  const text = isEnd ? `${plan.plan} is already ${outcome.kind}` : outcome.text;
  const steps = outcome.kind === 'done' ? [`stator plan transition ${plan.plan} reimplement`] : outcome.steps;
  return { kind: 'over', outcome: { ...outcome, text, steps }, plan };
}

async function found(client: Client, project: string, plan: string): Promise<PlanShow | null> {
  try {
    return await client.plan(project, plan);
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'plan_not_found') return null;
    throw thrown;
  }
}

function register(client: Client, project: string, { plan, content, branch, topic }: RunRequest): Promise<PlanShow> {
  const more = { ...(branch === undefined ? {} : { branch }), ...(topic === undefined ? {} : { topic }) };
  return client.registerPlan({ project, plan, content, ...more });
}

/** Another `run` of the same plan may register it a moment sooner. */
async function registerOnce(client: Client, project: string, request: RunRequest): Promise<PlanShow> {
  try {
    return await register(client, project, request);
  } catch (thrown) {
    const isTaken = thrown instanceof EngineError && thrown.code === 'conflict';
    const other = isTaken ? await found(client, project, request.plan) : null;
    if (other === null || other.content !== request.content) throw thrown;
    return other;
  }
}

/** Histories come in pages. */
async function lastSeq(client: Client, project: string, plan: string): Promise<number> {
  let last = 0;
  for (;;) {
    const page = await client.history(project, plan, { after: last });
    const seq = page.at(-1)?.seq;
    if (seq === undefined) return last;
    last = seq;
  }
}

function refuseFailed(answer: SignalAnswer, what: string, more: () => string[] = () => []): void {
  if (answer.signal.status !== 'failed') return;
  const [refusal = '', hint = ''] = refusalLines(answer);
  throw new EngineError('refused', [`${what}; ${refusal}`, ...more()].join('\n'), hint.replace(/^hint: /, ''));
}

function notStarted({ plan }: RunRequest): string {
  return `${plan} is not started`;
}

/** A draft is mostly a document with a mistake in it. */
function documentProblems({ file, content }: RunRequest): string[] {
  return parsePlan(content).problems.map(({ line, message }) => `${file}:${line}: ${message}`);
}

/** Asked before anything runs: an agent's work that cannot be committed would be lost work. */
function requireIdentity({ env }: Call, repo: string): void {
  const knows = (who: string) => askGit({ cwd: repo, env }, ['-c', 'user.useConfigOnly=true', 'var', who]) !== null;
  if (knows('GIT_AUTHOR_IDENT') && knows('GIT_COMMITTER_IDENT')) return;
  throw new EngineError(
    'bad_config',
    `git does not know who commits in ${repo}: user.name or user.email is not set`,
    'set both: git config --global user.name "Your Name" && git config --global user.email you@example.com',
  );
}
