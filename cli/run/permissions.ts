/** What agents ask to be allowed while a plan runs, put to the person at the terminal, one question after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceEntry, PlanShow } from '../../runtime/client/client.ts';
import {
  deadlineText,
  type Permission,
  type PermissionWord,
  permissionCommand,
  permissionsOf,
  permissionText,
} from '../instance/permission.ts';
import { plainLines } from '../text.ts';
import { refusalLines } from '../verdict.ts';
import { lookMs, promptLine, type Questions } from './prompt-line.ts';

type Answer = { readonly word: PermissionWord; readonly message: string | undefined };

/** The answer function of one watch; false: no question is open that was not left for later. */
export function createPermissionQuestions(questions: Questions) {
  const { call, client, display } = questions;
  const left = new Set<string>();
  return async (plan: PlanShow, agents: readonly InstanceEntry[]): Promise<boolean> => {
    const asked = permissionsOf(agents).find(({ question }) => !left.has(question.id));
    if (asked === undefined || plan.paused) return false;
    display.suspend();
    const answer = await ask(questions, asked);
    if (answer === 'gone') return true;
    const { agent, question } = asked;
    if (answer === 'later') {
      left.add(question.id);
      call.out.note(`answer later with: ${permissionCommand('allow', asked)}, or deny`);
      return true;
    }
    const verdict = await client.answerPermission(agent.project, agent.title, {
      answer: answer.word,
      permission: question.id,
      message: answer.message,
    });
    if (verdict.signal.status === 'failed') call.out.note(refusalLines(verdict).join('\n'));
    return true;
  };
}

async function ask(questions: Questions, asked: Permission): Promise<Answer | 'later' | 'gone'> {
  const { call, interrupted } = questions;
  const gone = new AbortController();
  const signal = AbortSignal.any([interrupted, gone.signal]);
  const watched = untilClosed(questions, asked, gone);
  const { detail, until } = asked.question;
  const head = `${permissionText(asked)} (${deadlineText(until, Date.now())}):`;
  try {
    const answer = await promptLine(call, {
      question: `${head}\n${indented(detail)}`,
      prompt: 'allow, or deny <why> (Ctrl-D: later)> ',
      signal,
      read: readAnswer,
    });
    if (signal.aborted) return 'gone';
    return answer ?? 'later';
  } finally {
    gone.abort();
    await watched;
  }
}

/** Whole words: an Enter or a `y` that was meant for an earlier question allows nothing. */
function readAnswer(line: string): Answer | null {
  const [, word, message = ''] = /^(allow|deny)(?:\s+(.*))?$/i.exec(line) ?? [];
  if (word === undefined) return null;
  if (word.toLowerCase() === 'allow') return message === '' ? { word: 'allow', message: undefined } : null;
  return { word: 'deny', message: message === '' ? undefined : message };
}

/** So that no line of an agent looks like one of ours. */
function indented(text: string): string {
  return plainLines(text)
    .split('\n')
    .map((line) => `  | ${line}`)
    .join('\n');
}

/** Aborts as soon as the question is answered or denied elsewhere, or cannot be looked at. */
async function untilClosed({ client }: Questions, { agent, question }: Permission, gone: AbortController) {
  const { project, plan } = agent;
  while (!gone.signal.aborted) {
    await delay(lookMs, null, { signal: gone.signal }).catch(() => {}); // it ends early with the answer
    if (gone.signal.aborted) return;
    const now = await client.instances({ project, plan }).catch(() => null); // whoever watches finds out what is wrong
    if (now === null || !permissionsOf(now).some((open) => open.question.id === question.id)) gone.abort();
  }
}
