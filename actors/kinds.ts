/** The kinds of tree that every engine carries: a plan, a repo and the supervisor are three such values, as a machine of one's own is another. */
import type { AnyStateMachine } from 'xstate';
import { agentMachine } from '../machines/agent/machine.ts';
import { planMachine } from '../machines/plan/machine.ts';
import { type RepoContext, repoMachine } from '../machines/repo/machine.ts';
import { supervisorMachine } from '../machines/supervisor/machine.ts';
import { taskMachine } from '../machines/task/machine.ts';
import { isWorker, type Role } from '../machines/vocabulary/role.ts';
import { waveMachine } from '../machines/wave/machine.ts';
import { snapshotOf } from './addressee.ts';
import { type Standing, underWay, versionOf } from './compatibility.ts';
import { familyRules } from './family-rules.ts';
import { createKinds, type Kind, type Kinds } from './kind.ts';
import { leanAssign } from './lean-assign.ts';
import { bindPlan } from './plan.ts';
import { tagged } from './public-states.ts';
import { bindRepo } from './repo.ts';
import { bindSupervisor } from './supervisor.ts';
import { upgrades } from './upgrades.ts';

/** It never ends, so its journal would grow without end. */
const endless: Standing = { ...underWay, keepsJournal: false };

const family = {
  versionOf,
  rules: familyRules,
  signals: null,
  notices: {},
  keepsMemory: false,
  isStrict: true,
} as const;

const supervisorKind: Kind = {
  ...family,
  name: 'supervisor',
  birth: 'supervisor_opened',
  upgrades: {},
  bind: (ports) => leanAssign(bindSupervisor(ports)),
  chartAt: () => supervisorMachine,
  standingOf: () => endless,
};

const repoKind: Kind = {
  ...family,
  name: 'repo',
  birth: 'repo_opened',
  upgrades: upgrades.repo ?? {},
  bind: (ports) => leanAssign(bindRepo(ports)),
  chartAt: () => repoMachine,
  standingOf(root) {
    const { tags, context } = snapshotOf(root);
    return { ...endless, state: tagged(tags, 'repo:'), reason: (context as RepoContext).degraded }; // of a repo's tree
  },
};

const planKind: Kind = {
  ...family,
  name: 'plan',
  birth: 'plan_opened',
  upgrades: upgrades.plan ?? {},
  bind: (ports) => leanAssign(bindPlan(ports)),
  chartAt: chartInPlan,
  standingOf: () => underWay,
};

/** `wave-1.2`, `wave-1.2/task-3.4`, `fixer.5` (a worker of the plan itself is a task), `reviewer.6`, and `…/agent`. */
function chartInPlan(actor: string): AnyStateMachine {
  const own = actor.slice(actor.lastIndexOf('/') + 1);
  const [word = ''] = own.split(/[.-]/);
  if (word === '') return planMachine;
  if (word === 'wave') return waveMachine;
  return word === 'task' || isWorker(word as Role) ? taskMachine : agentMachine; // an agent is called as its role or `agent`
}

/** These, and the machines that a program of one's own brings. */
export function kindsWith(own: readonly Kind[]): Kinds {
  return createKinds([supervisorKind, repoKind, planKind, ...own]);
}
