/** The commands of people and agents: each becomes signals in the inbox, and the answer is the verdict on them. */
import { baseOf as baseInTree, snapshotOf } from '../../../actors/addressee.ts';
import { withIssueLinks } from '../../../machines/document/issue-links.ts';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import type { PlanContext } from '../../../machines/plan/context.ts';
import { EngineError, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import { effectKey, planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { isFinal } from '../../../machines/vocabulary/run-state.ts';
import { type Origin, originKind, type SignalPayload, type SignalType } from '../../../machines/vocabulary/signal.ts';
import { type AgentProfile, everyProfile } from '../../base/config/config.ts';
import type { Clock } from '../../base/platform/clock.ts';
import { isSandboxOff } from '../../base/platform/home.ts';
import type { Log } from '../../base/platform/log.ts';
import { tokenHash } from '../../base/platform/token.ts';
import { type AdmittedSignal, admitSignal } from '../../core/inbox/admission.ts';
import { dependentPlan } from '../../core/inbox/signal-row.ts';
import type { TreeCache } from '../../core/inbox/tree-cache.ts';
import { agentsAtWork, requeueAgents } from '../../core/outbox/requeue.ts';
import type { Change, PlanKey, Store } from '../../core/store/port.ts';
import type { PlanRow, RunRow } from '../../core/store/rows.ts';
import { isVerdict, judgesByMessage, verdictLines } from '../../work/agents/reports/verdict.ts';
import { refuseUnplayable } from '../../work/effects/playable.ts';
import { collectSoFar } from '../../work/effects/run-repository.ts';
import type { SecretSearch } from '../../work/effects/secrets/search.ts';
import { baseOf } from '../../work/effects/workplace.ts';
import type { CleaningRequest } from '../../work/gc/gc.ts';
import { refuseBranch } from '../../work/git/branch.ts';
import { changedLines } from '../../work/git/changed-lines.ts';
import { identity } from '../../work/git/identity.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import type { Deliveries } from '../../work/intake/deliveries.ts';
import type { Projects } from '../../work/repos/registry.ts';
import { createStaleVerification } from '../../work/repos/verification-watch.ts';
import { asksForLimits, unkeptLimits } from '../../work/sandbox/resources.ts';
import type { CleaningReport, RepairReport } from '../contract/cleaning.ts';
import type { NotificationsRead } from '../contract/notifications.ts';
import type { WhatIf, WhatIfQuestion } from '../contract/plans.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { Views } from '../queries/queries.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createDocumentCommands } from './documents.ts';
import { createHostCommands } from './hosts.ts';
import { createIssueCommands } from './issues.ts';
import { createLandingCommands } from './landings.ts';
import { createMachineCommands } from './machines.ts';
import { createPermissionCommands } from './permissions.ts';
import { createPlanWork, workSignals } from './plan-work.ts';
import { createPlanCommands } from './plans.ts';
import { createQueueCommands } from './queue.ts';
import { refuseCircle } from './refuse-circle.ts';
import { createRepoCommands } from './repos.ts';
import { createRequestLedger } from './request-ledger.ts';
import { createSignalSender, type SendCommand, verdictWaitMs } from './signal-sender.ts';
import { createSoloCommands } from './solo.ts';

export type { CommandDependencies } from './command-dependencies.ts';

/** As `CleaningRequest`, but the age may come from the setting. */
type ClearRequest = Omit<CleaningRequest, 'olderThanMs'> & { readonly olderThanMs: number | null };

export type Commands = ReturnType<typeof createCommands>;

/** The dependencies of operations. */
export interface OperationParts extends CommandDependencies {
  readonly commands: Commands;
  readonly deliveries: Pick<Deliveries, 'take'>;
  /** The course that a plan would have taken with other inputs. Throws `plan_not_found`, `not_found`, `snapshot_unknown`. */
  whatIf(asked: WhatIfQuestion & PlanKey): Promise<WhatIf>;
  /** How long the daemon, or a program's engine, has run. A change of the system clock does not affect it. */
  uptimeMs(): number;
}

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

export function createCommands(parts: CommandDependencies) {
  const { store, projects, views, clock, cleaning, settings } = parts;
  const head = createPlanHead(parts);
  const work = createPlanWork(parts);
  const verification = createStaleVerification(parts);
  const { post } = createSignalSender(parts);

  /** Checked now, so that the fault is not first noticed at a commit, after an agent has worked for an hour. */
  async function refuseHopeless({ project, plan, type }: SendCommand): Promise<void> {
    const { branch } = await views.mustRead(project, plan);
    const place = projects.get(project);
    projects.mustBeTrusted(project);
    await identity(place);
    await refuseBranch(await projects.repository(project), branch);
    const shown = await views.plan(project, plan);
    const isDone = (wave: number, task: number) =>
      shown.tasks_by_wave.some(
        ({ number, tasks }) => number === wave && tasks.some((each) => each.number === task && each.status === 'done'),
      );
    const { ok, document: written } = parsePlan(shown.content);
    // The machine itself says what the document lacks.
    if (!ok && type !== 'plan_start') return;
    if (type === 'implement_start' || type === 'implement_wave') await refuseCircle(parts, { project, plan });
    const document = type === 'plan_start' ? null : written;
    const isSession = (await store.issues()).some((row) => row.project === project && row.plan === plan);
    const { config, path } = place;
    const { env, walls, flagCheck } = parts;
    await refuseUnplayable({
      config,
      repo: path,
      env,
      walls,
      flagCheck,
      document,
      isDone,
      isSession,
      plan,
      file: shown.file,
    });
  }

  /** The child processes of such a judge also have the run's token, so the token cannot give a verdict. Throws `not_allowed`. */
  async function refuseVerdict({ type, origin }: AdmittedSignal, command: SendCommand): Promise<void> {
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
  async function aboutItsCommit(signal: AdmittedSignal, { project, plan, run }: SendCommand): Promise<AdmittedSignal> {
    if (run === null || (signal.type !== 'review_approved' && signal.type !== 'verify_approved')) return signal;
    const payload = signal.payload as SignalPayload<'review_approved' | 'verify_approved'>; // admission has checked that type and payload match
    if (payload.reviewed_sha !== undefined) return signal;
    const base = await baseOf({ home: parts.home, store }, { tree: planTree(project, plan) }, run);
    return base === null ? signal : { ...signal, payload: { ...payload, reviewed_sha: base } };
  }

  /** People decide a plan's issues: an agent's document must keep the links. Throws `bad_plan` if it has others. */
  async function withItsLinks(signal: AdmittedSignal, { project, plan, origin }: SendCommand): Promise<AdmittedSignal> {
    if (signal.type !== 'plan_updated' || originKind(origin) !== 'agent') return signal;
    const payload = signal.payload as SignalPayload<'plan_updated'>; // admission has checked that type and payload match
    const { issues } = parsePlan((await store.planText(project, plan)) ?? '').document;
    const own = parsePlan(payload.content).document.issues;
    if (own.join() === issues.join()) return signal;
    if (own.length === 0)
      return { ...signal, payload: { ...payload, content: withIssueLinks(payload.content, issues) } };
    const asked =
      issues.length === 0 ? 'leave **Issue:** out' : `write **Issue:** ${issues.join(', ')}, or leave it out`;
    throw new EngineError(
      'bad_plan',
      'the document has other links to issues than the plan',
      `only a person changes them: ${asked}`,
    );
  }

  /** When that signal is tried again, one fewer is quarantined: the plan stays blocked because of the next one, or goes on. */
  async function faultAfter(id: number): Promise<readonly Change[]> {
    const row = await store.signal(id);
    const key = row === null ? null : dependentPlan(row);
    const from = key === null ? null : ((await store.plan(key.project, key.plan))?.faultSignal ?? null);
    if (key === null || from === null) return [];
    const isUnchanged = from !== id && (await store.signal(from))?.status === 'failed';
    return isUnchanged ? [] : [{ do: 'plan.move-fault', key, from, at: clock.nowMs() }];
  }

  /** One line if agents that could have walls have none. */
  async function wallWarnings(): Promise<string[]> {
    const found = isSandboxOff(parts.env) ? null : await parts.walls.state();
    if (found === null || found.kind === 'works' || !projects.list().some(({ project }) => mightHaveWalls(project)))
      return [];
    return [`agents run without walls, with all that you may do: ${found.reason}; ${found.hint}`];
  }

  function mightHaveWalls(project: string): boolean {
    return enabledProfiles(project).some(({ sandbox }) => sandbox === 'auto');
  }

  /** The enabled profiles. An unreadable configuration starts no agent. */
  function enabledProfiles(project: string): AgentProfile[] {
    try {
      const { profiles, policy } = projects.get(project).config;
      return everyProfile(profiles).filter(({ role }) => policy.roles[role].on);
    } catch (thrown) {
      if (thrown instanceof EngineError) return [];
      throw thrown;
    }
  }

  /** Problems of the store are one line, whichever part of the engine noticed them. */
  function serviceWarnings(): string[] {
    const trouble = parts.storeTrouble();
    const ofStore = trouble === null ? [] : [onOneLine(withHint(trouble))];
    return [...new Set([...ofStore, ...parts.serviceTroubles().map(({ text }) => text)])];
  }

  /** One line if agents have configured limits that this machine cannot apply. */
  async function limitWarnings(): Promise<string[]> {
    const profiles = projects.list().flatMap(({ project }) => enabledProfiles(project).filter(asksForLimits));
    if (profiles.length === 0) return [];
    const warning = unkeptLimits(profiles, await parts.resources.state());
    return warning === null ? [] : [warning];
  }

  /**
   * Admits the signal, then waits for the verdict. Throws the errors of admission, `plan_not_found`, `repo_not_found`, and if work would begin that git would
   * refuse: `bad_config` (who commits?), `branch_taken`, `bad_request` (an invalid branch name), `agent_unusable` (missing programs, tasks that no agent could
   * run).
   */
  async function send(command: SendCommand): Promise<SignalAnswer> {
    const admission = admitSignal(parts.kinds, command);
    if (admission.kind === 'refused') throw admission.error;
    await refuseVerdict(admission.signal, command);
    const signal = await withItsLinks(await aboutItsCommit(admission.signal, command), command);
    const { tree } = signal;
    const row = tree.startsWith('plan:') ? await views.mustRead(command.project, command.plan) : null;
    if (row === null) projects.get(command.project);
    // Only the repo's own host sees its files: it checks them when it handles the signal.
    const before = projects.isElsewhere(command.project) ? [] : await looksBefore(command, signal, row);
    return post({ ...signal, run: command.run }, command.waitMs, before);
  }

  /** Looks at the repo as the signal needs it; returns the changes to commit before it. `row` null: it is not about a plan. Throws as `send`. */
  async function looksBefore(
    command: SendCommand,
    { tree, type, payload }: AdmittedSignal,
    row: PlanRow | null,
  ): Promise<readonly Change[]> {
    if (row !== null && workInRepo.has(type)) await parts.lockRepo(command.project);
    if (beginnings.has(type)) await refuseHopeless(command);
    const tip = judgements.has(type) ? await head.tipFor(command, type) : null;
    const stale = row?.status === 'done' ? await verification.of(row) : null;
    return [
      ...(stale === null ? [] : await verification.words(stale)),
      ...(tip === null ? [] : await head.words(tree, tip)),
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

  const { mustBeFileOf, bindFile, ...plans } = createPlanCommands(parts);

  return {
    /**
     * Warnings, one line each: agents without walls, limits that are not applied, hooks that were switched off, quarantined signals of machines, a store that
     * accepts no writes, failing services.
     */
    warnings: async (): Promise<string[]> => [
      ...(await wallWarnings()),
      ...(await limitWarnings()),
      ...(await views.hooksOff()),
      ...(await views.machinesSetAside()),
      ...serviceWarnings(),
    ],
    send,
    sendToAgent,
    async retry(id: number): Promise<SignalAnswer> {
      const entry = await views.signal(id);
      const revived = await store.commit([{ do: 'signal.revive', id }, ...(await faultAfter(id))]);
      if (revived.status === 'lost')
        throw new EngineError(
          'conflict',
          `signal ${id} is ${entry.status}; only a failed one can be tried again`,
          `see it with: stator signal show ${id}`,
        );
      await parts.settled(id, verdictWaitMs);
      return views.answer(id);
    },
    ...plans,
    ...createDocumentCommands({ registerPlan: plans.registerPlan, bindFile, mustBeFileOf, send }),
    /** `olderThanMs` null: the setting `retention`. Throws as `Cleaning.clear`. */
    clear: ({ olderThanMs, ...request }: ClearRequest): Promise<CleaningReport> =>
      cleaning.clear({ ...request, olderThanMs: olderThanMs ?? settings.current().retentionMs }),
    /**
     * Removes all of stator's worktrees, branches and refs from the repos, for every plan; agents are stopped first. Throws `conflict` in an engine that
     * stays, unless `dry`: the engine would go on working there.
     */
    async clearRepos({ dry }: { readonly dry: boolean }): Promise<CleaningReport> {
      // Running agents are stopped before anything is deleted.
      if (dry) return cleaning.clearRepos({ dry, overrides: ['in_use'] });
      if (parts.stays)
        throw new EngineError(
          'conflict',
          'this engine works in the repos',
          'stop it first: stator daemon stop --agents',
        );
      await requeueAgents(store, await agentsAtWork(store), clock.nowMs());
      for (const { project } of projects.list()) await parts.runsEnded(project);
      return cleaning.clearRepos({ dry, overrides: [] });
    },
    /** Throws as `Cleaning.repair`. */
    repair: (request: { readonly dry: boolean }): Promise<RepairReport> => cleaning.repair(request),
    ...createIssueCommands({ ...parts, send, registerPlan: plans.registerPlan, forgetPlan: plans.forgetPlan }),
    ...createSoloCommands({ ...parts, send }),
    ...createRepoCommands(parts),
    ...createHostCommands(parts),
    ...createLandingCommands(parts),
    ...createQueueCommands(parts),
    ...createNotificationCommands(parts),
    ...createMachineCommands(parts),
    ...createPermissionCommands(parts),
    ...createRequestLedger(parts),
    /** The run that a token speaks for, as long as it has not ended. Throws `unauthorized`. */
    async runOfToken(token: string): Promise<RunRow> {
      const [run] = await store.runs({ by: 'token', hash: tokenHash(token) });
      if (run !== undefined && run.ended_at === null && !isFinal(run)) return run;
      throw new EngineError(
        'unauthorized',
        run === undefined
          ? 'the token belongs to no run that this engine knows'
          : `the token belongs to a run of ${run.title} that has ended`,
        'unset STATOR_TOKEN to speak as a person',
      );
    },
  };
}

/** The head of a plan's branch; `lines` were added and removed since a verifier's run began at `since`. */
interface Tip {
  readonly head: string;
  readonly since?: string;
  readonly lines?: number;
}

interface Word {
  readonly project: string;
  readonly plan: string;
  readonly origin: Origin;
  readonly run: string | null;
}

interface PlanHeadParts {
  readonly cache: Pick<TreeCache, 'get' | 'forget'>;
  readonly projects: Projects;
  readonly views: Views;
  readonly clock: Clock;
  readonly home: string;
  readonly store: Pick<Store, 'launch' | 'run' | 'tree'>;
  readonly secrets: SecretSearch;
  readonly log: Log;
}

/** Signals that judge the present state of the branch. */
const judgements: ReadonlySet<SignalType> = new Set([
  'review_approved',
  'verify_approved',
  'verify_failed',
  'request_review',
  'merge',
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
    async tipFor({ project, plan, origin, run }: Word, type: SignalType): Promise<Tip | null> {
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
    async words(tree: TreeAddress, { head, ...fix }: Tip): Promise<readonly Change[]> {
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

/** More than the number of notifications that the store holds. */
const everything = 10_000;

/** Commands on notifications. */
function createNotificationCommands({ store }: Pick<CommandDependencies, 'store'>) {
  return {
    /** Marks the notifications up to now as read; later ones stay unread. */
    async readNotifications(): Promise<NotificationsRead> {
      const unread = await store.notifications({ limit: everything, isUnread: true });
      const newest = unread[0]?.id;
      if (newest !== undefined) await store.commit([{ do: 'notification.read', upTo: newest }]);
      return { status: 'read', read: unread.length };
    },
  };
}
