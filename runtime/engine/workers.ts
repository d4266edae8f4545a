/** The background work besides the inbox: the dispatcher; and in a daemon, the services for repos, signal folders and verified plans. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, messageOf, onOneLine } from '../../machines/vocabulary/errors.ts';
import { repoTree } from '../../machines/vocabulary/ids.ts';
import { createRunSockets } from '../api/control/run-sockets.ts';
import { type BudgetWatch, createBudgetWatch } from '../core/outbox/budget-watch.ts';
import { createDispatcher, type Dispatcher } from '../core/outbox/dispatcher.ts';
import { agentsAtWork } from '../core/outbox/requeue.ts';
import type { Store } from '../core/store/port.ts';
import type { EffectRow } from '../core/store/rows.ts';
import { lookAtAccounts } from '../work/agents/accounts.ts';
import type { ChatWatch } from '../work/chats/chat-watch.ts';
import { endCutOff, endTaken, freezeRuns, thawRuns } from '../work/effects/cut-off.ts';
import { createHandlers } from '../work/effects/handlers.ts';
import { pushAfter } from '../work/effects/refs-push.ts';
import { createPullRequestWatch, type PullRequestWatch } from '../work/forges/pull-request-watch.ts';
import { createRetentionWatch, type RetentionWatch } from '../work/gc/retention-watch.ts';
import { withNotes } from '../work/git/notes.ts';
import { listWorktrees } from '../work/git/worktree-list.ts';
import { createIntakeWatch, type IntakeWatch } from '../work/intake/intake-watch.ts';
import { createMachineSchedules, type MachineSchedules } from '../work/intake/machine-schedules.ts';
import { createHealth, type Health } from '../work/repos/health.ts';
import { createRepoWatchers, type RepoWatchers } from '../work/repos/repo-watchers.ts';
import { createVerificationWatch, type VerificationWatch } from '../work/repos/verification-watch.ts';
import { createGateway, type Gateway } from '../work/signal-files/gateway.ts';
import { createBackupWatch } from './backup-watch.ts';
import { createChatAnswers, whyRefused } from './chat-answers.ts';
import type { EngineMode, Parts } from './composition.ts';
import { createHostWatch } from './host-watch.ts';
import { effectsOfOthers, machineLimits } from './machine-lanes.ts';
import { createPlacement } from './placement.ts';
import { type Service, startServices, stopServices } from './services.ts';
import { createSettingsWatch, type SettingsWatch } from './settings-watch.ts';
import { createTakeover } from './takeover.ts';

/** The background work of a daemon. */
export interface Watchers {
  readonly repos: RepoWatchers;
  readonly health: Health;
  readonly gateway: Gateway;
  readonly verificationWatch: VerificationWatch;
  readonly pullRequestWatch: PullRequestWatch;
  readonly retentionWatch: RetentionWatch;
  readonly budgetWatch: BudgetWatch;
  readonly backupWatch: ReturnType<typeof createBackupWatch>;
  readonly settingsWatch: SettingsWatch;
  readonly intakeWatch: IntakeWatch;
  readonly chatWatch: ChatWatch;
  readonly machineSchedules: MachineSchedules;
}

export interface Workers {
  readonly dispatcher: Dispatcher;
  /** null: the home is owned for one verb. */
  readonly watchers: Watchers | null;
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
  const watchers = mode === 'stays' ? createWatchers(core) : null;
  const dispatcher = openDispatcher(core, watchers);
  const endAgents = () => endCutOff(core, dispatcher.running());
  const hostWatch =
    mode !== 'stays'
      ? null
      : createHostWatch({
          ...{ store, log: core.log, troubles: core.troubles, endAgents },
          freezeAgents: () => freezeRuns(core, dispatcher.running()),
          thawAgents: async () => thawRuns(core, await store.effects({ by: 'running', host: store.hosts?.own ?? '' })),
        });
  const services = servicesOf(core, { hostWatch, watchers, dispatcher });
  if (mode === 'stays') state.select(({ moves }) => moves).subscribe(dispatcher.wake);
  if (watchers !== null)
    state
      .select(({ settings }) => settings)
      .subscribe(() => {
        watchers.pullRequestWatch.lookAgain();
        watchers.intakeWatch.wake();
        watchers.chatWatch.wake();
      });

  async function stopDue(): Promise<void> {
    await pump.drain();
    const left = await dispatcher.stopDue(endLimitMs);
    await pump.drain();
    refuseLeft(left);
  }

  async function untilEnded(project: string): Promise<void> {
    pump.wake();
    const lives = async () => (await agentsAtWork(store)).filter((row) => row.project === project);
    const untilMs = performance.now() + endLimitMs;
    while ((await lives()).length > 0 && performance.now() < untilMs) await delay(endPollMs);
    const left = await lives();
    if (left.length === 0) return;
    throw new EngineError(
      'unavailable',
      `${left.map(({ name, plan }) => `${name} of plan ${plan}`).join(', ')}: not ended in ${endLimitMs / 1_000} s`,
      `the repo stays; see what runs with: stator agent list --project ${project}, then ask again`,
    );
  }

  return {
    dispatcher,
    watchers,
    endAgents,
    stopDue,
    runsEnded: mode === 'stays' ? untilEnded : stopDue,
    start: () => startServices(services),
    stop: () => stopServices(services, core.log),
  };
}

/** In the order in which they begin: first reading the stored state, then work, then requests of other hosts. For an engine of one verb only the dispatcher. */
function servicesOf(
  core: Parts,
  given: { hostWatch: Running | null; watchers: Watchers | null; dispatcher: Dispatcher },
): Service[] {
  const { hostWatch, watchers, dispatcher } = given;
  if (watchers === null)
    return [{ name: 'the dispatcher', start: () => dispatcher.start(), stop: () => dispatcher.stop() }];
  const { store, locks } = core;
  const named: readonly (readonly [string, Running | null])[] = [
    ['the beat of this host', unawaited(hostWatch)], // its end waits for the store
    ['what ran here before', store.hosts === undefined ? null : runsOfBefore(core)],
    ['the locks of repos', { start: async () => locks.start(await projectsAtWork(store)), stop() {} }],
    ['the health of repos', watchers.health],
    ['the watch on verified plans', watchers.verificationWatch],
    ['the watch on pull requests', watchers.pullRequestWatch],
    ['cleaning', watchers.retentionWatch],
    ['the watch on budgets', watchers.budgetWatch],
    ['copies of the store', watchers.backupWatch],
    ['the watch on daemon.toml', watchers.settingsWatch],
    ['the dispatcher', dispatcher],
    ['the watch on signal files', watchers.gateway],
    ['the watch on intakes', watchers.intakeWatch],
    ['the watch on chats', watchers.chatWatch],
    ['the schedules of machines', watchers.machineSchedules],
    ['the takeover of lost hosts', unawaited(createTakeover(core))], // its end waits for a clone
    ['the placement of repos', unawaited(createPlacement(core))],
    ['answers to other hosts', answersToHosts(core)],
  ];
  return named.flatMap(([name, running]) =>
    running === null ? [] : [{ name, start: () => running.start(), stop: () => running.stop() }],
  );
}

type Running = Pick<Service, 'start' | 'stop'>;

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
function openDispatcher(core: Parts, watchers: Watchers | null): Dispatcher {
  const { home, env, store, projects, faults, log, clock, timeline, limits, startable, isOwner, onSignals } = core;
  const common = {
    graceMs: core.graceMs,
    ...(watchers === null
      ? {}
      : {
          lastWords: watchers.gateway.sweep,
          isRepoDown: async (project: string) => (await watchers.health.look(project)) !== null,
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
    casting: () => lookAtAccounts({ store, projects, env, nowMs }),
    placed: { hostNames: core.hostNames, ofOthers: effectsOfOthers(core.machines, core.hostNames) },
    ...machineLimits(core.machines),
    closedRepos: () => [
      ...projects.closed(),
      ...projects.revoked(),
      ...Object.keys(core.state.getSnapshot().context.troubles),
      ...core.locks.missing(),
    ],
  });
}

function createWatchers(core: Parts): Watchers {
  const { home, env, store, projects, faults, log, troubles, clock, settled, isOwner, onSignals, bus } = core;
  const { kinds } = core.trees;
  const nowMs = () => clock.nowMs();
  const watchers = createRepoWatchers({ log, trustedFiles: projects.trustedFiles });
  watchers.subscribe(({ topic, project }) => {
    if (topic !== 'config' || !isOwner()) return;
    const trouble = { what: `the changed files of ${project} cannot be read`, isRare: true } as const;
    core.commands.noticeRepoFiles(project).then(
      () => troubles.worked(trouble),
      (thrown: unknown) => troubles.failed({ ...trouble, hint: 'they are read again at the next change' }, thrown),
    );
  });
  return {
    repos: watchers,
    health: watchRepos(core, watchers),
    gateway: createGateway({
      ...{ home, watchers, kinds, store, projects, faults, log, troubles, nowMs, isOwner, settled },
      worksIn: core.locks.holds,
    }),
    retentionWatch: createRetentionWatch({
      ...(core.cleaningEveryMs === null ? {} : { everyMs: core.cleaningEveryMs }),
      cleaning: core.cleaning,
      settings: core.settings,
      log,
      troubles,
      isOwner,
    }),
    backupWatch: createBackupWatch({ home, place: core.place, state: core.state, log, troubles, isOwner }),
    settingsWatch: createSettingsWatch({
      file: () => core.settings.current().file,
      readAgain: core.commands.noticeSettings,
      isOwner,
      log,
      troubles,
    }),
    budgetWatch: createBudgetWatch({
      store,
      kinds,
      projects,
      nowMs,
      troubles,
      facts: bus.subscribe({ onlyHere: true }),
      isOwner,
      onSignals,
    }),
    pullRequestWatch: createPullRequestWatch({
      ...(core.pullRequestLookMs === null ? {} : { everyMs: core.pullRequestLookMs }),
      home,
      env,
      store,
      kinds,
      projects,
      clock,
      log,
      troubles,
      facts: bus.subscribe({ onlyHere: true }),
      isOwner,
      onSignals,
      forgeStates: core.forgeStates,
    }),
    intakeWatch: createIntakeWatch({
      ...(core.intakeLookMs === null ? {} : { everyMs: core.intakeLookMs }),
      ...(core.intakeLookMs === null ? {} : { pollMs: core.intakeLookMs }),
      ...{ home, env, store, projects, faults, log, troubles, nowMs },
      deliveries: core.deliveries,
      intakes: () => core.settings.current().intakes,
      mayWork: () => isOwner() && core.startable() === 'all',
      async register({ work, ...plan }) {
        if (work.kind === 'message') await core.commands.registerSession({ ...plan, ...work });
        else
          await core.commands.registerPlan({ ...plan, content: work.content, branch: null, topic: null, file: null });
      },
      async begin(start) {
        const signal = { ...start, payload: {}, origin: 'engine', run: null, waitMs: startWaitMs } as const;
        return whyRefused(await core.commands.send(signal));
      },
      send: (of, message) => sendToAgents(core, of, message),
    }),
    chatWatch: createChatAnswers(core),
    machineSchedules: createMachineSchedules({
      ...(core.intakeLookMs === null ? {} : { everyMs: core.intakeLookMs }),
      ...{ store, machines: core.machines, log, troubles, nowMs },
      mayWork: () => isOwner() && core.startable() === 'all',
      begin: (tree, input, before) => core.commands.beginTree(tree, input, before),
    }),
    verificationWatch: createVerificationWatch({
      store,
      projects,
      clock,
      troubles,
      watchers,
      facts: bus.subscribe({ onlyHere: true }),
      isOwner,
      onSignals,
    }),
  };
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
