/** `stator agent allow` and `stator agent deny`: a person's answer to an agent's permission question. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { untilText } from '../../machines/vocabulary/time-text.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb, type Verbs } from '../command.ts';
import { projectHere } from '../place.ts';
import { withEngine } from '../session.ts';
import { canAsk, confirm } from '../sure.ts';
import { printVerdict } from '../verdict.ts';
import { indented, type Permission, type PermissionWord, permissionCommand, permissionText } from './permission.ts';
import { findInstance } from './view.ts';

const args = {
  title: {
    type: 'positional',
    required: false,
    description: 'as stator agent list shows it; optional if only one agent asks',
  },
  question: {
    type: 'string',
    valueHint: 'id',
    description: 'the id of the question, if several are open',
  },
} as const;

const allow = defineVerb({
  summary: 'Allow an agent what it asks permission for.',
  args,
  examples: ['stator agent allow login-w1-t2', 'stator agent allow login-w1-t2 --question 9f3a1c2e'],
  more: 'On a terminal it shows the question and asks for confirmation, unless --question names it. An unanswered question is denied after permission_timeout, 1h by default.',
  run: ({ title, question }, call) => answer(call, { word: 'allow', title, question, message: undefined }),
});

const deny = defineVerb({
  summary: 'Deny an agent the permission that it asks for; it continues without it.',
  args: {
    ...args,
    message: { type: 'string', valueHint: 'text', description: 'a message to the agent: why, or what to do instead' },
  },
  examples: ['stator agent deny login-w1-t2 --message "use the test database"'],
  run: ({ title, question, message }, call) => answer(call, { word: 'deny', title, question, message }),
});

interface Given {
  readonly word: PermissionWord;
  readonly title: string | undefined;
  readonly question: string | undefined;
  readonly message: string | undefined;
}

/** Throws `no_daemon`, `not_found`, and `conflict` where it is not clear which question is meant. */
function answer(call: Call, given: Given): Promise<number> {
  const { word, message } = given;
  const without = { so: 'no agent can get the answer', also: 'the question waits for it' };
  return withEngine(call, without, async (client) => {
    const asked = await find(client, call, given);
    const { agent, question } = asked;
    if (given.question === undefined && word === 'allow' && canAsk(call)) {
      call.out.say(shown(asked));
      if (!(await confirm(call, 'allow it?'))) {
        call.out.note(`nothing was answered; deny it with: ${permissionCommand('deny', asked)}`);
        return 1;
      }
    } else {
      call.out.note(shown(asked));
    }
    const verdict = await client.answerPermission(agent.project, agent.title, {
      answer: word,
      permission: question.id,
      message,
    });
    return printVerdict(call, verdict);
  });
}

async function find(client: Client, call: Call, { title, question: id }: Given): Promise<Permission> {
  const project = projectHere(call);
  const of = project === null ? {} : { project };
  const agents = await client.instances(title === undefined ? of : { ...of, title });
  if (title !== undefined && agents.length === 0) findInstance(await client.instances(of), title);
  const all = agents.flatMap((agent) => agent.permissions.map((question): Permission => ({ agent, question })));
  const found = id === undefined ? all : all.filter(({ question }) => question.id === id);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    const lines = found.map((each) => `${shown(each)}\n  ${permissionCommand('allow', each)}`).join('\n');
    throw new EngineError('conflict', `${found.length} questions are open:\n${lines}`, 'name the one that you mean');
  }
  const who = title ?? 'no agent';
  if (id !== undefined)
    throw new EngineError(
      'not_found',
      `the question ${id} is not open`,
      all.length === 0 ? 'none is: stator agent list' : `open: ${all.map(({ question }) => question.id).join(', ')}`,
    );
  throw new EngineError(
    'not_found',
    title === undefined ? 'no agent asks for a permission' : `${who} asks for no permission`,
    'see who does: stator status',
  );
}

function shown(asked: Permission): string {
  const { id, detail, until } = asked.question;
  return `${permissionText(asked)} (${id}, ${untilText(until, Date.now())}; then it is denied):\n${indented(detail)}`;
}

export default { allow, deny } satisfies Verbs;
