/** The background work besides the inbox: the dispatcher; and in a daemon, the services for repos, signal folders and verified plans. */

import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, messageOf, onOneLine } from '../../machines/vocabulary/errors.ts';
import { repoTree } from '../../machines/vocabulary/ids.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { SignalAnswer } from '../api/contract/signals.ts';
import { needOfSignal, refuseLowerRole } from '../api/control/principal.ts';
import { refusalOf } from '../api/control/route.ts';
import { createRunSockets } from '../api/control/run-sockets.ts';
import { createBudgetWatch } from '../core/outbox/budget-watch.ts';
import { createDispatcher, type Dispatcher } from '../core/outbox/dispatcher.ts';
import { agentsAtWork } from '../core/outbox/requeue.ts';
import type { Store } from '../core/store/port.ts';
import type { EffectRow } from '../core/store/rows.ts';
import { lookAtAccounts } from '../work/agents/accounts.ts';
import { createChatWatch } from '../work/chats/chat-watch.ts';
import { endCutOff, endTaken, freezeRuns, thawRuns } from '../work/effects/cut-off.ts';
import { createHandlers } from '../work/effects/handlers.ts';
import { pushAfter } from '../work/effects/refs-push.ts';
import { createPullRequestWatch } from '../work/forges/pull-request-watch.ts';
import { createRetentionWatch } from '../work/gc/retention-watch.ts';
import { withNotes } from '../work/git/notes.ts';
import { listWorktrees } from '../work/git/worktree-list.ts';
import { createIntakeWatch } from '../work/intake/intake-watch.ts';
import { createMachineSchedules } from '../work/intake/machine-schedules.ts';
import { createHealth, type Health } from '../work/repos/health.ts';
import { createRepoWatchers, type RepoWatchers } from '../work/repos/repo-watchers.ts';
import { createVerificationWatch } from '../work/repos/verification-watch.ts';
import { createGateway, type Gateway } from '../work/signal-files/gateway.ts';
import { createBackupWatch } from './backup-watch.ts';
import type { Parts } from './composition.ts';
import { createHostWatch } from './host-watch.ts';
import { createLimitWatch } from './limit-watch.ts';
import { effectsOfOthers, machineLimits } from './machine-lanes.ts';
import { createPlacement } from './placement.ts';
import type { EngineMode } from './sent-signals.ts';
import { type Service, startServices, stopServices, withFacts } from './services.ts';
import { createSettingsWatch } from './settings-watch.ts';
import { createTakeover } from './takeover.ts';

export interface Workers {
  readonly dispatcher: Dispatcher;
  /** Resolves when no agent of the project runs any more. Throws `unavailable` after a minute. */
  runsEnded(project: string): Promise<void>;
  /** Reads the existing state, then begins to work. */
  start(): Promise<void>;
  /** Lets running effects continue on their own, and leaves their rows unchanged. */
  stop(): Promise<void>;
  /** Ends the processes of all agents without writing to the store, which accepts nothing from them any more. */
  endAgents(): Promise<void>;
  /** Ends what is to be stopped, and settles it. Throws `unavailable` where something did not end. */
  stopDue(): Promise<void>;
}

/** A plan that takes longer to start is started all the same. */
const startWaitMs = 5_000;
/** TERM, the grace, KILL, and some room. */
const endLimitMs = 60_000;
const endPollMs = 50;

/** Creates the workers; `start` starts them. */
export function createWorkers(core: Parts, { mode }: { mode: EngineMode }): Workers {
  const { pump, state, store } = core;
  const repoWork = mode === 'stays' ? createRepoWork(core) : null;
  const dispatcher = openDispatcher(core, repoWork);
  const endAgents = () => endCutOff(core, dispatcher.running());
  const services: readonly Service[] =
    repoWork === null
      ? [{ name: 'the dispatcher', ...dispatcher }]
      : servicesOf(core, { ...repoWork, dispatcher, endAgents });
  if (repoWork !== null) state.select(({ moves }) => moves).subscribe(dispatcher.wake);
  state
    .select(({ settings }) => settings)
    .subscribe(() => {
      for (const { configured } of services) configured?.();
    });

  async function stopDue(): Promise<void> {
    await pump.drain();
    const left = await dispatcher.stopDue(endLimitMs);
    await pump.drain();
    refuseLeft(left);
  }

  async function untilEnded(project: string): Promise<void> {
    pump.wake();
    const untilMs = performance.now() + endLimitMs;
    while ((await agentsAtWork(store, project)).length > 0 && performance.now() < untilMs) await delay(endPollMs);
    const left = await agentsAtWork(store, project);
    if (left.length === 0) return;
    throw new EngineError(
      'unavailable',
      `${left.map(({ name, plan }) => `${name} of plan ${plan}`).join(', ')}: not ended in ${endLimitMs / 1_000} s`,
      `the repo stays; see what runs with: stator agent list --project ${shellWord(project)}, then ask again`,
    );
  }

  return {
    dispatcher,
    endAgents,
    stopDue,
    runsEnded: mode === 'stays' ? untilEnded : stopDue,
    start: () => startServices(services),
    stop: () => stopServices(services, core.log),
  };
}

/** The parts that look at repos: the dispatcher asks two of them. */
interface RepoWork {
  readonly watchers: RepoWatchers;
  readonly health: Health;
  readonly gateway: Gateway;
}

function createRepoWork(core: Parts): RepoWork {
  const { home, store, projects, faults, log, troubles, clock, settled, isOwner } = core;
  const watchers = createRepoWatchers({ log, trustedFiles: projects.trustedFiles });
  watchers.subscribe(({ topic, project }) => {
    if (topic !== 'config' || !isOwner()) return;
    const trouble = { what: `the changed files of ${project} cannot be read`, isRare: true } as const;
    core.commands.noticeRepoFiles(project).then(
      () => troubles.worked(trouble),
      (thrown: unknown) => troubles.failed({ ...trouble, hint: 'they are read again at the next change' }, thrown),
    );
  });
  const gateway = createGateway({
    ...{ home, watchers, kinds: core.trees.kinds, store, projects, faults, log, troubles, isOwner, settled },
    nowMs: () => clock.nowMs(),
    worksIn: core.locks.holds,
  });
  return { watchers, health: watchRepos(core, watchers), gateway };
}

type Running = Omit<Service, 'name'>;

/** In the order in which they begin: first reading the stored state, then work, then requests of other hosts. */
function servicesOf(
  core: Parts,
  work: RepoWork & { readonly dispatcher: Dispatcher; readonly endAgents: () => Promise<void> },
): Service[] {
  const { home, env, store, projects, faults, log, troubles, clock, locks, settings, isOwner, onSignals } = core;
  const { watchers, health, gateway, dispatcher, endAgents } = work;
  const nowMs = () => clock.nowMs();
  const mayWork = () => isOwner() && core.startable() === 'all';
  const every = (everyMs: number | null) => (everyMs === null ? {} : { everyMs });
  const hostWatch = createHostWatch({
    ...{ store, log, troubles, endAgents },
    freezeAgents: () => freezeRuns(core, dispatcher.running()),
    thawAgents: async () => thawRuns(core, await store.effects({ by: 'running', host: store.hosts?.own ?? '' })),
  });
  const verification = { store, projects, clock, troubles, watchers, isOwner, onSignals };
  const named: readonly (readonly [string, Running | null])[] = [
    ['the beat of this host', unawaited(hostWatch)], // its end waits for the store
    ['what ran here before', store.hosts === undefined ? null : runsOfBefore(core)],
    ['the locks of repos', { start: async () => locks.start(await projectsAtWork(store)), stop() {} }],
    ['the health of repos', health],
    ['the watch on verified plans', createVerificationWatch(verification)],
    [
      'the watch on pull requests',
      createPullRequestWatch({
        ...{ home, env, store, projects, clock, log, troubles, isOwner, onSignals, forgeStates: core.forgeStates },
        ...every(core.pullRequestLookMs),
      }),
    ],
    [
      'cleaning',
      createRetentionWatch({
        cleaning: core.cleaning,
        settings,
        log,
        troubles,
        isOwner,
        ...every(core.cleaningEveryMs),
      }),
    ],
    ['the watch on budgets', createBudgetWatch({ store, projects, nowMs, troubles, isOwner, onSignals })],
    ['the watch on limits of services', createLimitWatch(core)],
    ['copies of the store', createBackupWatch({ home, place: core.place, state: core.state, log, troubles, isOwner })],
    [
      'the watch on daemon.toml',
      createSettingsWatch({
        file: () => settings.current().file,
        notice: core.commands.noticeSettings,
        ...{ isOwner, troubles },
      }),
    ],
    ['the dispatcher', dispatcher],
    ['the watch on signal files', gateway],
    [
      'the watch on intakes',
      createIntakeWatch({
        ...every(core.intakeLookMs),
        ...(core.intakeLookMs === null ? {} : { pollMs: core.intakeLookMs }),
        ...{ home, env, store, projects, faults, log, troubles, nowMs, deliveries: core.deliveries, mayWork },
        intakes: () => settings.current().intakes,
        async register({ work: item, ...plan }) {
          if (item.kind === 'message') await core.commands.registerSession({ ...plan, ...item });
          else
            await core.commands.registerPlan({ ...plan, content: item.content, branch: null, topic: null, file: null });
        },
        async begin(start) {
          const signal = { ...start, payload: {}, origin: 'engine', run: null, waitMs: startWaitMs } as const;
          return whyRefused(await core.commands.send(signal));
        },
        send: (of, message) => sendToAgents(core, of, message),
      }),
    ],
    ['the watch on chats', createChatAnswers(core)],
    [
      'the schedules of machines',
      createMachineSchedules({
        ...every(core.intakeLookMs),
        ...{ store, machines: core.machines, log, troubles, nowMs, mayWork },
        begin: (tree, input, before) => core.commands.beginTree(tree, input, before),
      }),
    ],
    ['the takeover of lost hosts', unawaited(createTakeover(core))], // its end waits for a clone
    ['the placement of repos', unawaited(createPlacement(core))],
    ['answers to other hosts', answersToHosts(core)],
  ];
  const services = named.flatMap(([name, running]) => (running === null ? [] : [{ name, ...running }]));
  return withFacts(services, { facts: core.bus.subscribe({ onlyHere: true }), kinds: core.trees.kinds });
}

/** Nothing waits for its end. */
function unawaited(running: Running | null): Running | null {
  return running === null ? null : { start: () => running.start(), stop: () => void running.stop() };
}

/** Ends the runs that this host's earlier engine left, while all other work continues. */
function runsOfBefore(core: Parts): Running {
  return {
    start() {
      endTaken(core).catch((thrown: unknown) => core.log.warn(`what ran here before: ${messageOf(thrown)}`));
    },
    stop() {},
  };
}

function answersToHosts(core: Parts): Running {
  let end = () => {};
  return {
    start() {
      end = core.answerOthers();
    },
    stop: () => end(),
  };
}

function refuseLeft(left: readonly EffectRow[]): void {
  if (left.length === 0) return;
  throw new EngineError(
    'unavailable',
    left.map((row) => `${row.name} of plan ${row.project}/${row.plan} is not ended: ${whyLeft(row)}`).join('\n'),
    `the request is recorded, and the next owner of the home folder continues it; see what runs with: stator agent list`,
  );
}

/** Repos with a plan under way. */
async function projectsAtWork(store: Pick<Store, 'planCounts'>): Promise<string[]> {
  return [...(await store.planCounts())].filter(([, { active }]) => active > 0).map(([project]) => project);
}

function whyLeft({ error }: EffectRow): string {
  return error === null ? `it takes longer than ${endLimitMs / 1_000} s, though it was killed` : onOneLine(error);
}

/** The same for a daemon and for an engine that owns the home for one verb. Nothing is started for a repo that cannot be used, or that is being removed. */
function openDispatcher(core: Parts, repoWork: RepoWork | null): Dispatcher {
  const { home, env, store, projects, faults, log, clock, timeline, limits, startable, isOwner, onSignals } = core;
  const common = {
    graceMs: core.graceMs,
    ...(repoWork === null
      ? {}
      : {
          lastWords: repoWork.gateway.sweep,
          isRepoDown: async (project: string) => (await repoWork.health.look(project)) !== null,
        }),
  };
  const nowMs = () => clock.nowMs();
  const sockets = createRunSockets(core.api, home);
  const handlers = createHandlers({
    ...common,
    sockets,
    walls: core.walls,
    secrets: core.secrets,
    resources: core.resources,
    terminal: core.terminal,
    env,
    home,
    store,
    projects,
    faults,
    log,
    nowMs,
    timeline,
    hookRetryMs: core.hookRetryMs,
    forgeStates: core.forgeStates,
    machines: core.machines,
    ownAgents: core.ownAgents,
    ownHooks: core.ownHooks,
  });
  return createDispatcher({
    ...common,
    store,
    handlers,
    clock,
    timeline,
    log,
    troubles: core.troubles,
    faults,
    limits,
    servedLast: core.servedLast,
    owner: { host: store.hosts?.own ?? '', epoch: core.epoch },
    ...(core.carrier === undefined ? {} : { carrier: core.carrier }),
    // A store of one machine has no other host that could continue.
    ...(store.hosts === undefined ? {} : { follows: (row) => pushAfter(row, nowMs()) }),
    isOwner,
    wasCutOff: core.wasCutOff,
    onSignals,
    // Decisions of another host arrive as rows.
    ...(store.hosts === undefined ? { bringIn: core.bringIn } : {}),
    startableAgents: startable,
    budget: { store, projects, nowMs },
    profileChoices: () => lookAtAccounts({ store, projects, env, nowMs }),
    placed: { hostNames: core.hostNames, ofOthers: effectsOfOthers(core.machines, core.hostNames) },
    ...machineLimits(core.machines),
    closedRepos: () => [
      ...projects.closed(),
      ...projects.revoked(),
      ...core.state.getSnapshot().context.troubles.keys(),
      ...core.locks.missing(),
    ],
  });
}

/** Answers from chats are signals of the people who gave them, with the roles of their tokens. */
function createChatAnswers(core: Parts) {
  const { home, env, projects, store, faults, log, troubles, clock, settings, commands, isOwner, chatLookMs } = core;
  return createChatWatch({
    ...{ home, env, projects, store, faults, log, troubles },
    ...(chatLookMs === null ? {} : { everyMs: chatLookMs }),
    chats: () => settings.current().chats,
    nowMs: () => clock.nowMs(),
    mayWork: isOwner,
    mustMay: (person, type) => refuseLowerRole(person, needOfSignal(type)),
    send: async (answer) => whyRefused(await commands.send({ ...answer, run: null, waitMs: startWaitMs })),
  });
}

/** null: it was not refused. */
function whyRefused(answer: SignalAnswer): string | null {
  return answer.signal.status === 'failed' ? refusalOf(answer).message : null;
}

/** Agents that work, and are not judges. */
const readers: ReadonlySet<string> = new Set(['session', 'coder', 'fixer']);
/** A message that an agent refused is sent again under the next number. */
const sendTries = 100;

/** A message to each agent at work on the plan. false: there is none, or one of them does not take it now. */
async function sendToAgents(
  { store, commands }: Pick<Parts, 'store' | 'commands'>,
  { project, plan }: { readonly project: string; readonly plan: string },
  { body, dedupeKey }: { readonly body: string; readonly dedupeKey: string },
): Promise<boolean> {
  const runs = await store.runs({ by: 'latest', project, plan, live: true });
  const titles = runs.filter(({ role }) => readers.has(role)).map(({ title }) => title);
  for (const title of titles) {
    let isSent = false;
    for (let number = 1; number <= sendTries && !isSent; number += 1) {
      const key = `${dedupeKey}:${title}:${number}`;
      const isNew = (await store.signals({ project, plan })).every(({ dedupe_key: known }) => known !== key);
      const signal = { project, plan, type: 'agent_send', payload: { title, body }, origin: 'engine' } as const;
      isSent = whyRefused(await commands.send({ ...signal, run: null, dedupeKey: key, waitMs: startWaitMs })) === null;
      if (isNew && !isSent) return false;
    }
  }
  return titles.length > 0;
}

function watchRepos(
  { store, cache, projects, locks, clock, log, troubles, commands, state, onSignals }: Parts,
  watchers: RepoWatchers,
): Health {
  return createHealth({
    store,
    watchers,
    treeOf: (project) => cache.get(repoTree(project)),
    projects,
    clock,
    log,
    serviceTroubles: troubles,
    lock: locks.take,
    troubles: () => state.getSnapshot().context.troubles,
    note: (project, reason) => state.trigger.repoLooked({ project, reason }),
    onSignals,
    async onFound(project, { isAgain }) {
      if (isAgain) await commands.refreshRepo(project);
      await projects
        .noteAddress(project)
        .catch((thrown: unknown) => log.warn(`where other hosts find ${project}: ${messageOf(thrown)}`));
      // The user's own git may be blocked by files of a killed one, long before a plan needs it.
      await withNotes(log.warn, async () => listWorktrees(await projects.repository(project))).catch(
        (thrown: unknown) => log.warn(`the worktrees of ${project}: ${messageOf(thrown)}`),
      );
    },
    async onRound() {
      if (commands.problems().length === 0) return;
      await commands.registerListed();
      onSignals();
    },
  });
}
