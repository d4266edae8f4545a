/** Sends a signal: it is looked at in the repo as it needs it, and then stored. */
import { baseOf as baseInTree, snapshotOf } from '../../../actors/addressee.ts';
import { withIssueLinks } from '../../../machines/document/issue-links.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import type { PlanContext } from '../../../machines/plan/context.ts';
import { circleOf } from '../../../machines/repo/circle.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { effectKey, planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { type Origin, originKind, type SignalPayload, type SignalType } from '../../../machines/vocabulary/signal.ts';
import { localDay } from '../../../machines/vocabulary/time-text.ts';
import { type AdmittedSignal, admitSignal } from '../../core/inbox/admission.ts';
import type { Change, PlanKey } from '../../core/store/port.ts';
import type { PlanRow, SignalRow } from '../../core/store/rows.ts';
import { isVerdict, judgesByMessage, verdictLines } from '../../work/agents/reports/verdict.ts';
import { collectSoFar } from '../../work/effects/run-repository.ts';
import { baseOf } from '../../work/effects/workplace.ts';
import { changedLines } from '../../work/git/changed-lines.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import { createStaleVerification } from '../../work/repos/verification-watch.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createPlanWork, workSignals } from './plan-work.ts';
import { refuseAgents, refuseRepo } from './refuse-start.ts';
import type { RunQuota } from './run-quota.ts';
import { createSignalSender, type SendCommand, verdictWaitMs } from './signal-sender.ts';

/** Signals after which agents run, and their work is committed. */
const beginnings: ReadonlySet<SignalType> = new Set([
  'plan_start',
  'implement_start',
  'implement_wave',
  'retry_wave',
  'start_over',
  'reimplement',
]);

/** Signals that lead to git work, in a repo in which no other engine may work meanwhile. */
const workInRepo: ReadonlySet<SignalType> = new Set([
  ...beginnings,
  'advance_wave',
  'agent_restart',
  'answer',
  'create_pr',
  'land',
  'merge',
  'reopen',
  'request_review',
  'resolve',
  'resume',
]);

export function createSend(parts: CommandDependencies, quota: RunQuota) {
  const { projects, views } = parts;
  const head = createPlanHead(parts);
  const work = createPlanWork(parts);
  const verification = createStaleVerification(parts);
  const { post } = createSignalSender(parts);

  /**
   * Admits the signal, then waits for the verdict. Throws the errors of admission, `limit_reached`, `plan_not_found`, `repo_not_found`, `conflict` for a key of
   * another sender, and if work would begin
   * that git would refuse: `bad_config` (who commits?), `branch_taken`, `bad_request` (an invalid branch name), `agent_unusable` (missing programs, tasks that no agent could
   * run).
   */
  async function send(command: SendCommand): Promise<SignalAnswer> {
    const admission = admitSignal(parts.kinds, command);
    if (admission.kind === 'refused') throw admission.error;
    await refuseVerdict(parts, admission.signal, command);
    const { project, plan, run } = command;
    if (run !== null) quota.take(effectKey(planTree(project, plan), run), admission.signal.payload);
    const admitted = onItsDay(parts, admission.signal);
    const signal = await withItsLinks(parts, await aboutItsCommit(parts, admitted, command), command);
    const { tree } = signal;
    const row = tree.startsWith('plan:') ? await views.mustRead(command.project, command.plan) : null;
    if (row === null) projects.get(command.project);
    // Only the repo's own host sees its files: it checks them when it handles the signal.
    const before = projects.isElsewhere(command.project) ? [] : await looksBefore(command, signal, row);
    const answer = await post({ ...signal, run: command.run }, command.waitMs, before);
    if (signal.dedupeKey != null) mustBeOfSender(await parts.store.signal(answer.signal.id), signal);
    return answer;
  }

  /** Looks at the repo as the signal needs it; returns the changes to commit before it. `row` null: it is not about a plan. Throws as `send`. */
  async function looksBefore(
    command: SendCommand,
    { tree, type, payload }: AdmittedSignal,
    row: PlanRow | null,
  ): Promise<readonly Change[]> {
    if (row !== null && workInRepo.has(type)) await parts.lockRepo(command.project);
    if (beginnings.has(type)) await refuseHopeless(parts, command);
    const judged = judgements.has(type) ? await head.headFor(command, type) : null;
    const stale = row?.status === 'done' ? await verification.of(row) : null;
    return [
      ...(stale === null ? [] : await verification.words(stale)),
      ...(judged === null ? [] : await head.changes(tree, judged)),
      ...(row !== null && workSignals.has(type) ? await work.words(row, type, payload) : []),
    ];
  }

  /** Sends a signal to an agent, with the other fields in its payload. Throws `not_found`, and as `send`. */
  async function sendToAgent(
    { project, title, ...more }: { readonly project: string; readonly title: string },
    sent: { readonly type: SignalType } & Pick<SendCommand, 'origin' | 'run'>,
  ): Promise<SignalAnswer> {
    const { plan } = await views.instance(project, title);
    return send({ ...sent, project, plan, payload: { title, ...more }, dedupeKey: null, waitMs: verdictWaitMs });
  }

  return { send, sendToAgent };
}

/** An agent chooses the keys of its signals, and a person's key may be easy to guess: the verdict on a signal of another sender is no answer. Throws `conflict`. */
function mustBeOfSender(sent: SignalRow | null, { type, tree, origin }: AdmittedSignal): void {
  if (sent === null) return;
  const kinds = [sent.origin as Origin, origin].map(originKind); // the engine wrote it
  const isOfAgents = kinds.every((kind) => kind === 'agent');
  if (kinds[0] === kinds[1] && (!isOfAgents || sent.tree === tree)) return;
  throw new EngineError(
    'conflict',
    `the key "${sent.dedupe_key}" is of signal ${sent.id}, ${sent.type} to ${sent.project}/${sent.plan} by ${sent.origin}: this ${type} was not sent`,
    'give it another dedupe_key, and agents keys that no other sender has',
  );
}

async function refuseHopeless(parts: CommandDependencies, { project, plan, type }: SendCommand): Promise<void> {
  const { branch } = await parts.views.mustRead(project, plan);
  await refuseRepo(parts, project, branch);
  const shown = await parts.views.plan(project, plan);
  const isDone = (wave: number, task: number) =>
    shown.tasks_by_wave.some(
      ({ number, tasks }) => number === wave && tasks.some((each) => each.number === task && each.status === 'done'),
    );
  const { ok, document: written } = parsePlan(shown.content);
  // The machine itself says what the document lacks.
  if (!ok && type !== 'plan_start') return;
  if (type === 'implement_start' || type === 'implement_wave') await refuseCircle(parts, { project, plan });
  const document = type === 'plan_start' ? null : written;
  const isSession = (await parts.store.issues()).some((row) => row.project === project && row.plan === plan);
  await refuseAgents(parts, project, { document, isDone, isSession, plan, file: shown.file });
}

/** The child processes of such a judge also have the run's token, so the token cannot give a verdict. Throws `not_allowed`. */
async function refuseVerdict(
  { store }: CommandDependencies,
  { type, origin }: AdmittedSignal,
  command: SendCommand,
): Promise<void> {
  if (command.run === null || !isVerdict(type) || originKind(origin) !== 'agent') return;
  const run = await store.run(effectKey(planTree(command.project, command.plan), command.run));
  if (run === null || !judgesByMessage(run.role, run.preset)) return;
  throw new EngineError(
    'not_allowed',
    `${run.title} is a ${run.role} that ${run.preset} plays: its verdict is the last line of its last message, and no signal`,
    `end the last message with the line "${verdictLines.approved}" or "${verdictLines.changes}"; a person says it without a token: stator signal emit ${type}`,
  );
}

/** An approval of a run that names no commit is about the one at which that run began. */
async function aboutItsCommit(
  parts: CommandDependencies,
  signal: AdmittedSignal,
  { project, plan, run }: SendCommand,
): Promise<AdmittedSignal> {
  if (run === null || (signal.type !== 'review_approved' && signal.type !== 'verify_approved')) return signal;
  const payload = signal.payload as SignalPayload<'review_approved' | 'verify_approved'>; // admission has checked that type and payload match
  if (payload.reviewed_sha !== undefined) return signal;
  const base = await baseOf(parts, { tree: planTree(project, plan) }, run);
  return base === null ? signal : { ...signal, payload: { ...payload, reviewed_sha: base } };
}

/** A budget of a day is raised for today by the clock of the engine, which counts it: the person may be in another time zone. */
function onItsDay({ clock }: CommandDependencies, signal: AdmittedSignal): AdmittedSignal {
  if (signal.type !== 'raise_budget') return signal;
  const payload = signal.payload as SignalPayload<'raise_budget'>; // admission has checked that type and payload match
  if (payload.scope !== 'day' || payload.day !== undefined) return signal;
  return { ...signal, payload: { ...payload, day: localDay(new Date(clock.nowMs())) } };
}

/** People decide a plan's issues: an agent's document must keep the links. Throws `bad_plan` if it has others. */
async function withItsLinks(
  { store }: CommandDependencies,
  signal: AdmittedSignal,
  { project, plan, origin }: SendCommand,
): Promise<AdmittedSignal> {
  if (signal.type !== 'plan_updated' || originKind(origin) !== 'agent') return signal;
  const payload = signal.payload as SignalPayload<'plan_updated'>; // admission has checked that type and payload match
  const { issues } = parsePlan((await store.planText(project, plan)) ?? '').document;
  const own = parsePlan(payload.content).document.issues;
  if (own.join() === issues.join()) return signal;
  if (own.length === 0) return { ...signal, payload: { ...payload, content: withIssueLinks(payload.content, issues) } };
  const asked = issues.length === 0 ? 'leave **Issue:** out' : `write **Issue:** ${issues.join(', ')}, or leave it out`;
  throw new EngineError(
    'bad_plan',
    'the document has other links to issues than the plan',
    `only a person changes them: ${asked}`,
  );
}

/** The head of a plan's branch; `lines` were added and removed since a verifier's run began at `since`. */
interface BranchHead {
  readonly head: string;
  readonly since?: string;
  readonly lines?: number;
}

type PlanHeadParts = Pick<
  CommandDependencies,
  'cache' | 'projects' | 'views' | 'clock' | 'home' | 'store' | 'secrets' | 'log'
>;

/** Signals that judge the present state of the branch. */
const judgements: ReadonlySet<SignalType> = new Set([
  'review_approved',
  'verify_approved',
  'verify_failed',
  'request_review',
  'merge',
  'land',
  'create_pr',
]);

/** The head of a plan's branch is read before a signal that judges the branch: a person may have committed there since the engine last looked. */
function createPlanHead(parts: PlanHeadParts) {
  const { cache, projects, views, clock } = parts;
  return {
    /**
     * For one of `judgements`: the branch's head, and, if a verifier approves, the number of lines that it may have changed itself. null: there is no branch
     * yet. People answer for their own approvals, so no lines are counted for them.
     */
    async headFor(
      { project, plan, origin, run }: Pick<SendCommand, 'project' | 'plan' | 'origin' | 'run'>,
      type: SignalType,
    ): Promise<BranchHead | null> {
      const repository = await projects.repository(project);
      const { branch } = await views.mustRead(project, plan);
      // A run inside walls has its commits in its own git folder until they are collected here.
      const tree = planTree(project, plan);
      if (type === 'verify_approved' && run !== null)
        await collectSoFar(parts, repository, { tree, key: effectKey(tree, run), branch });
      const head = await readRef(repository, branchRef(branch));
      if (head === null) return null;
      const entry = await cache.get(tree);
      if (type !== 'verify_approved' || originKind(origin) === 'person' || entry === null) return { head };
      const since = baseInTree(entry.tree.root, { run });
      if (since === null || since === head) return { head };
      return { head, since, lines: await changedLines(repository, since, head) };
    },
    /** The changes to commit together with the signal; empty if the plan already knows this head. */
    async changes(tree: TreeAddress, { head, ...fix }: BranchHead): Promise<readonly Change[]> {
      const entry = await cache.get(tree);
      if (entry === null) return [];
      const known: Pick<PlanContext, 'head' | 'selfFix'> = snapshotOf(entry.tree.root).context;
      const isKnown = fix.since === undefined || known.selfFix?.[fix.since] === fix.lines;
      if (known.head === head && isKnown) return [];
      const payload = { head, ...fix };
      return [{ do: 'signal.insert', tree, type: 'head_moved', payload, origin: 'engine', at: clock.nowMs() }];
    },
  };
}

/** The most plans that are read. A circle beyond them is not noticed here; `explain` names it. */
const readPlans = 100;

/** A plan that waits for itself would never begin: follows the **After:** of the plans that are not done. Throws `conflict` with the circle. */
async function refuseCircle(
  { store, cache }: Pick<CommandDependencies, 'store' | 'cache'>,
  { project, plan }: PlanKey,
): Promise<void> {
  const known: { plan: string; after: readonly string[] }[] = [];
  const names = [plan];
  for (let name = names.shift(); name !== undefined && known.length < readPlans; name = names.shift()) {
    if (known.some((one) => one.plan === name)) continue;
    const row = await store.plan(project, name);
    const entry = row === null || row.status === 'done' ? null : await cache.get(planTree(project, name));
    if (entry === null) continue;
    const { after }: Pick<PlanContext, 'after'> = snapshotOf(entry.tree.root).context;
    known.push({ plan: name, after });
    names.push(...after);
  }
  const circle = circleOf(plan, known);
  if (circle === null) return;
  throw new EngineError(
    'conflict',
    `${plan} waits for itself: ${circle.join(' → ')}`,
    `take one of them out of an **After:**, then hand in that document: stator plan update-content ${shellWord(plan)} --file <file>`,
  );
}
