/** Asks the person at the terminal the permission questions of agents while a plan runs. */
import type { Client, InstanceEntry, PlanShow } from '../../runtime/api/client/client.ts';
import {
  deadlineText,
  indented,
  type Permission,
  type PermissionWord,
  permissionCommand,
  permissionsOf,
  permissionText,
} from '../instance/permission.ts';
import type { Asked } from './prompt-line.ts';

interface Answer {
  readonly word: PermissionWord;
  readonly message: string | undefined;
}

export function askedPermissions(client: Client, { paused }: PlanShow, agents: readonly InstanceEntry[]): Asked[] {
  return paused ? [] : permissionsOf(agents).map((permission) => askedBy(client, permission));
}

function askedBy(client: Client, asked: Permission): Asked {
  const { agent, question } = asked;
  const head = `${permissionText(asked)} (${deadlineText(question.until, Date.now())}):`;
  return {
    key: `permission ${question.id}`,
    question: `${head}\n${indented(question.detail)}`,
    name: question.id,
    form: 'allow, or deny <why>',
    command: `${permissionCommand('allow', asked)}, or deny`,
    answerBy: (line) => {
      const answer = readAnswer(line);
      if (answer === null) return null;
      const { word, message } = answer;
      const payload = { answer: word, permission: question.id, message };
      return () => client.answerPermission(agent.project, agent.title, payload);
    },
  };
}

/** The answer must be a whole word, so that an Enter or a `y` for an earlier question allows nothing. */
function readAnswer(line: string): Answer | null {
  const [, word, message = ''] = /^(allow|deny)(?:\s+(.*))?$/is.exec(line) ?? [];
  if (word === undefined) return null;
  if (word.toLowerCase() === 'allow') return message === '' ? { word: 'allow', message: undefined } : null;
  return { word: 'deny', message: message === '' ? undefined : message };
}
