/** All operations. A noun is a line here and a place in the table of routes; an operation is a value in the noun's file. */
import { accountOperations } from './account.ts';
import { agentOperations } from './agent.ts';
import { cleaningOperations } from './cleaning.ts';
import { forgeOperations } from './forge.ts';
import { hookOperations } from './hook.ts';
import { hostOperations } from './host.ts';
import { intakeOperations } from './intake.ts';
import { issueOperations } from './issue.ts';
import { landingOperations } from './landing.ts';
import { machineOperations } from './machine.ts';
import { noteOperations } from './note.ts';
import { notifyOperations } from './notify.ts';
import { permissionOperations } from './permission.ts';
import { planOperations } from './plan.ts';
import { queueOperations } from './queue.ts';
import { repoOperations } from './repo.ts';
import { signalOperations } from './signal.ts';

export const nouns = {
  repo: repoOperations,
  host: hostOperations,
  plan: planOperations,
  signal: signalOperations,
  agent: agentOperations,
  permission: permissionOperations,
  queue: queueOperations,
  landing: landingOperations,
  issue: issueOperations,
  intake: intakeOperations,
  forge: forgeOperations,
  account: accountOperations,
  note: noteOperations,
  notify: notifyOperations,
  hook: hookOperations,
  cleaning: cleaningOperations,
  machine: machineOperations,
};

type Together<Union> = (Union extends object ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** By their own names, which no two nouns share. The type is that of the nouns, so that it is written once in the package. */
export const operations: Together<(typeof nouns)[keyof typeof nouns]> = Object.assign({}, ...Object.values(nouns));
