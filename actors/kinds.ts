/** The kinds of tree that every engine carries: a plan, a repo and the supervisor are three such values, as a machine of one's own is another. */
import { versionOf } from './compatibility.ts';
import { familyRules } from './family-rules.ts';
import { createKinds, type Kind, type Kinds } from './kind.ts';
import { leanAssign } from './lean-assign.ts';
import { bindPlan } from './plan.ts';
import { bindRepo } from './repo.ts';
import { bindSupervisor } from './supervisor.ts';
import { upgrades } from './upgrades.ts';

const family = { versionOf, rules: familyRules, keepsMemory: false, isStrict: true } as const;

const supervisorKind: Kind = {
  ...family,
  name: 'supervisor',
  birth: 'supervisor_opened',
  upgrades: {},
  bind: (ports) => leanAssign(bindSupervisor(ports)),
};

const repoKind: Kind = {
  ...family,
  name: 'repo',
  birth: 'repo_opened',
  upgrades: upgrades.repo ?? {},
  bind: (ports) => leanAssign(bindRepo(ports)),
};

const planKind: Kind = {
  ...family,
  name: 'plan',
  birth: 'plan_opened',
  upgrades: upgrades.plan ?? {},
  bind: (ports) => leanAssign(bindPlan(ports)),
};

/** These, and the machines that a program of one's own brings. */
export function kindsWith(own: readonly Kind[]): Kinds {
  return createKinds([supervisorKind, repoKind, planKind, ...own]);
}
