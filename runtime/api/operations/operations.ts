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

export const operations = {
  ...nouns.repo,
  ...nouns.host,
  ...nouns.plan,
  ...nouns.signal,
  ...nouns.agent,
  ...nouns.permission,
  ...nouns.queue,
  ...nouns.landing,
  ...nouns.issue,
  ...nouns.intake,
  ...nouns.forge,
  ...nouns.account,
  ...nouns.note,
  ...nouns.notify,
  ...nouns.hook,
  ...nouns.cleaning,
  ...nouns.machine,
};
