/** The registry of kinds, and the four that every engine carries: a plan, a repo, the line of a branch and the supervisor. A user-defined machine is a further such value. */
import type { AnyActorRef, AnyStateMachine } from 'xstate';
import { agentMachine } from '../machines/agent/machine.ts';
import { landingMachine } from '../machines/landing/machine.ts';
import type { Edited } from '../machines/plan/events.ts';
import { planMachine } from '../machines/plan/machine.ts';
import { type RepoContext, repoMachine } from '../machines/repo/machine.ts';
import { supervisorMachine } from '../machines/supervisor/machine.ts';
import { taskMachine } from '../machines/task/machine.ts';
import { EngineError } from '../machines/vocabulary/errors.ts';
import {
  isPlanName,
  isWorker,
  parseTree,
  planTree,
  type Role,
  repoTree,
  supervisorTree,
  type TreeAddress,
} from '../machines/vocabulary/ids.ts';
import { originKind, type Signal, type SignalEvent, signalName, signals } from '../machines/vocabulary/signal.ts';
import type { NamedSignalKind } from '../machines/vocabulary/signal-kind.ts';
import { waveMachine } from '../machines/wave/machine.ts';
import { addresseeOf, baseOf, notBegunIn, snapshotOf } from './addressee.ts';
import { readableByStator, type TreeStatus, underWay, versionOf } from './compatibility.ts';
import type { Kind, Kinds, Place, Rules, Taker } from './kind.ts';
import { bindLanding } from './landing.ts';
import { bindPlan } from './plan.ts';
import { messageEventOf, withMessages } from './plan-messages.ts';
import { publicMove, silentMove, tagged } from './recorder.ts';
import {
  answerObstacle,
  holdsOf,
  isHeld,
  isPreApplied,
  isSuppressed,
  openQuestions,
  refusalOf,
  roleObstacle,
} from './refusal.ts';
import { bindRepo } from './repo.ts';
import { bindSupervisor } from './supervisor.ts';
import { upgrades } from './upgrades.ts';
import { leanActions } from './xstate-internals.ts';

/** It never ends, so its journal would grow for ever. */
const endless: TreeStatus = { ...underWay, keepsJournal: false };

/** Signals to or from an agent that its plan's root must know too: messages to it, and which of them its runs had. */
const agentMessageSignals: ReadonlySet<string> = new Set([
  'agent_send',
  'agent_type',
  'run_started',
  'run_exited',
  'run_lost',
  'effect_failed',
]);
const wordSignals: ReadonlySet<string> = new Set([...agentMessageSignals, 'resolve', 'answer']);

/** The rules of the engine's own trees, by the roles, questions, runs and messages in their states. Signals to such a tree were checked by the schemas of its kind. */
const familyRules: Rules = {
  addresseeOf: (root, signal) => addresseeOf(root, signal as Signal),
  obstacleTo: (root, signal) => roleObstacle(root, signal as Signal) ?? answerObstacle(root, signal as Signal),
  isHeld: (root, signal, found) => isHeld(root, signal as Signal, found),
  isPreApplied: (root, signal) => isPreApplied(root, signal as Signal),
  isSuppressed: (root, signal) => isSuppressed(root, signal as Signal),
  eventOf: (root, signal) => eventOf(root, signal as Signal),
  rootEventOf: (root, ref, event) => (agentMessageSignals.has(event.type) ? messageEventOf(root, ref, event) : null),
  refusalOf,
  heldFor: (root) => new Set([...holdsOf(root), ...openQuestions(root)]),
};

const family = {
  versionOf,
  readableBy: readableByStator,
  rules: familyRules,
  signalsAreIn: 'docs/signals.md',
  notices: {},
  keepsMemory: false,
  isStrict: true,
} as const;

const supervisorKind: Kind = {
  ...family,
  name: 'supervisor',
  birth: 'supervisor_opened',
  signals: signalsTo('supervisor'),
  place: { treeAt: () => supervisorTree, problemOf: () => null },
  upgrades: upgrades.supervisor ?? {},
  bind: (ports) => leanActions(bindSupervisor(ports)),
  chartAt: () => supervisorMachine,
  statusOf: () => endless,
};

const repoKind: Kind = {
  ...family,
  name: 'repo',
  birth: 'repo_opened',
  signals: signalsTo('repo'),
  place: { treeAt: ({ project }) => repoTree(project), problemOf: repoProblem },
  upgrades: upgrades.repo ?? {},
  bind: (ports) => leanActions(bindRepo(ports)),
  chartAt: () => repoMachine,
  statusOf(root) {
    const { tags, context } = snapshotOf(root);
    return { ...endless, state: tagged(tags, 'repo:'), reason: (context as RepoContext).degraded }; // it is a repo's tree
  },
};

const landingKind: Kind = {
  ...family,
  name: 'landing',
  birth: 'landing_opened',
  signals: signalsTo('landing'),
  place: null,
  upgrades: upgrades.landing ?? {},
  bind: (ports) => leanActions(bindLanding(ports)),
  chartAt: () => landingMachine,
  statusOf: () => endless,
};

const planKind: Kind = {
  ...family,
  name: 'plan',
  birth: 'plan_opened',
  signals: signalsTo('plan', 'task', 'agent'),
  place: {
    treeAt: ({ project, plan }) => planTree(project, plan),
    problemOf: (place) => repoProblem(place) ?? planProblem(place),
  },
  upgrades: upgrades.plan ?? {},
  bind: (ports) => leanActions(bindPlan(ports)),
  chartAt: chartInPlan,
  statusOf: () => underWay,
};

/**
 * An approval that names no commit is about the one at which its run began; a person's is about the branch as it is now. An edited document comes with the
 * tasks that may still change: only the tree as it is in this step says which have not begun.
 */
function eventOf(root: AnyActorRef, signal: Signal): SignalEvent {
  const { type, payload, origin, run, at } = signal;
  const event = { ...payload, type, origin, run, at } as SignalEvent; // a signal's type and payload belong together
  if (wordSignals.has(type)) return withMessages(root, event) as SignalEvent;
  if (event.type === 'plan_updated') {
    const edited: Edited = { ...event, notBegun: notBegunIn(root) };
    return edited;
  }
  if (event.type !== 'verify_approved' && event.type !== 'review_approved') return event;
  if (event.reviewed_sha !== undefined || originKind(origin) === 'person') return event;
  const base = baseOf(root, signal);
  return base === null ? event : { ...event, reviewed_sha: base };
}

/** The signals of the table that are for that root, or for actors below it. */
function signalsTo(...addressees: readonly NamedSignalKind['to'][]): Record<string, NamedSignalKind> {
  const all: [string, NamedSignalKind][] = Object.entries(signals);
  return Object.fromEntries(all.filter(([, { to }]) => addressees.includes(to)));
}

function repoProblem({ project }: Place): EngineError | null {
  if (project !== '' && !project.includes('/')) return null;
  const hint = 'project is the name of a registered repo: stator repo list';
  return new EngineError('repo_not_found', `"${project.slice(0, 200)}" cannot name a repo`, hint);
}

function planProblem({ project, plan }: Place): EngineError | null {
  if (isPlanName(plan)) return null;
  if (plan === '')
    return new EngineError('bad_request', 'plan: this signal is for a plan, and none is named', 'see stator plan list');
  return new EngineError(
    'plan_not_found',
    `plan not found: ${project}/${plan.slice(0, 256)}`,
    'a plan has a name in lower case, without a folder, as in: stator plan list',
  );
}

/** `wave-1.2`, `wave-1.2/task-3.4`, `fixer.5` (a worker of the plan itself is a task), `reviewer.6`, and `…/agent`. */
function chartInPlan(actor: string): AnyStateMachine {
  const own = actor.slice(actor.lastIndexOf('/') + 1);
  const [word = ''] = own.split(/[.-]/);
  if (word === '') return planMachine;
  if (word === 'wave') return waveMachine;
  return word === 'task' || isWorker(word as Role) ? taskMachine : agentMachine; // an agent is called as its role or `agent`
}

/** These, and the machines of an embedding program; the same object for all callers without machines. */
export function kindsWith(own: readonly Kind[]): Kinds {
  return own.length === 0 ? familyKinds : createKinds([...familyKinds.all, ...own]);
}

const familyKinds = createKinds([planKind, repoKind, landingKind, supervisorKind]);

export function createKinds(all: readonly Kind[]): Kinds {
  const known = new Map(all.map((kind) => [kind.name, kind]));
  const byName = new Map(all.flatMap(takersByName));
  const find = (address: TreeAddress): Kind | undefined => {
    const parsed = parseTree(address);
    return known.get(parsed.kind === 'machine' ? parsed.machine : parsed.kind);
  };
  const findLoosely = (address: string): Kind | undefined => {
    try {
      return find(address as TreeAddress); // or it throws
    } catch {
      return undefined; // it throws only for an invalid address
    }
  };
  return {
    all,
    of(address) {
      const kind = find(address);
      if (kind !== undefined) return kind;
      throw new EngineError(
        'machine_unknown',
        `${address} is of a machine that this engine was not given`,
        'name its file under [machines] in daemon.toml, or give it to createEngine({ machines })',
      );
    },
    knows: (address) => find(address) !== undefined,
    taking: (name) => byName.get(signalName(name)) ?? null,
    moveOf({ tree, actor, from, to }) {
      const kind = findLoosely(tree);
      return kind === undefined ? silentMove : publicMove(kind.chartAt(actor), { from, to });
    },
  };
}

/** Every name of its signals, where its trees are found by a place. */
function takersByName(kind: Kind): (readonly [string, Taker])[] {
  const { place, signals } = kind;
  if (place === null) return [];
  return Object.entries(signals).flatMap(([type, signal]) =>
    [type, ...(signal?.aliases ?? [])].map((name) => [name, { kind, place, type }] as const),
  );
}
