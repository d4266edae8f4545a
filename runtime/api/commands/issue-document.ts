/**
 * The document of an issue's session: one task. Its body is the person's message; below it, fenced as material, is what others wrote about the issue. Neither
 * text can become another task, a wave or a check of this plan: lines that look like one are escaped.
 */

import { markdownLines } from '../../../machines/document/markdown-lines.ts';
import { isDoneTitle, parsePlan } from '../../../machines/document/plan-document.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { commentText, excerpt, fencedInPlan, foreignWarning, oneLine } from '../../work/agents/prompts/quotation.ts';
import { disarmed } from '../../work/forges/closing-words.ts';
import type { Issue } from '../../work/forges/forge.ts';
import { timeText } from '../queries/time-text.ts';

const bodyLimitBytes = 16 * 1024;
const saidLimitBytes = 4 * 1024;
const commentLimit = 20;

/** What a session gets besides a person's message. */
export interface IssueMaterial {
  readonly issue: Issue | null;
  /** Why the forge did not answer; null: it answered, or there is no forge. */
  readonly trouble: string | null;
  /** The forge says that there is no such issue. */
  readonly isMissing: boolean;
}

export interface Said {
  readonly by: 'person' | 'agent';
  readonly content: string;
  readonly at: number;
}

/** The whole text; it always parses to one task. */
export function issueDocument({
  name,
  message,
  material,
  said,
}: {
  /** The reference, or the session's name if there is no reference. */
  readonly name: string;
  readonly message: string;
  readonly material: IssueMaterial;
  readonly said: readonly Said[];
}): string {
  const title = oneLine(material.issue?.title ?? '').trim();
  // The line becomes the title of commits and of a pull request, and a forge reads those.
  const heading = `${name}${title === '' ? '' : `: ${disarmed(title)}`}`.replace(/[*_`<>[\]\\]/g, '');
  const write = (task: string, others: readonly string[]) =>
    [
      `# ${heading}`,
      `**Goal:** Work on ${name} as the task says.`,
      '## Wave 1',
      `### Task 1: ${isDoneTitle(heading) ? `Work on ${name}` : heading}`,
      task,
      ...others,
      '',
    ].join('\n\n');
  // Pasted output can contain escape sequences, and a document must not contain NUL.
  const words = safeText(message.replace(/\r\n?/g, '\n'));
  // This text is parsed alone: a fence left open at its end would take in what others wrote.
  const { ok, document } = parsePlan(write(escaped(words), []));
  const isOneTask = ok && document.waves.length === 1 && document.waves[0]?.tasks.length === 1;
  return write(isOneTask ? escaped(words) : fencedInPlan(words), [...materialText(material), ...saidText(said)]);
}

/** The document of a session that begins with a message, and of the issue that it is about. */
export function sessionDocument({
  name,
  message,
  issue = null,
}: {
  readonly name: string;
  readonly message: string;
  readonly issue?: Issue | null;
}): string {
  return issueDocument({ name, message, material: { issue, trouble: null, isMissing: false }, said: [] });
}

/** The message for a session that continues: the person's text, and what was written on the issue since. */
export function continuation(message: string, material: IssueMaterial, sinceMs: number): string {
  const fresh = (material.issue?.comments ?? []).filter(({ at }) => Date.parse(at) > sinceMs);
  const comments = fresh.map(commentText);
  return comments.length === 0
    ? message
    : [
        message,
        `${foreignWarning} It was written on the issue since then.`,
        fencedInPlan(comments.slice(-commentLimit).join('\n\n')),
      ].join('\n\n');
}

/** The person's text in a continuation message. */
export function continuedWith(text: string): string {
  return text.split(`\n\n${foreignWarning}`)[0] ?? text;
}

function materialText({ issue, trouble }: IssueMaterial): string[] {
  if (issue === null)
    return trouble === null
      ? []
      : [
          `The forge did not answer when this was written (${oneLine(trouble)}), so the issue itself is not quoted here.`,
        ];
  const { body, author, comments, commentsTrouble, url, state } = issue;
  const text = [
    `${oneLine(issue.title)} (${state}, by ${oneLine(author)}, ${oneLine(url)})`,
    excerpt(body, { limitBytes: bodyLimitBytes, keep: 'start', rest: oneLine(url) }),
    ...(commentsTrouble === null ? [] : [`Not all comments are here: ${oneLine(commentsTrouble)}`]),
    ...comments.slice(-commentLimit).map(commentText),
  ].join('\n\n');
  return ['#### The issue, as its forge has it', foreignWarning, fencedInPlan(text)];
}

function saidText(said: readonly Said[]): string[] {
  if (said.length === 0) return [];
  const text = said.map(({ by, at, content }) => {
    const words = excerpt(content, { limitBytes: saidLimitBytes, keep: 'end', rest: 'stator issue context <ref>' });
    return `${by === 'person' ? 'A person' : 'The agent'}, ${timeText(at)}:\n${words}`;
  });
  return ['#### Messages of earlier sessions of this issue', fencedInPlan(text.join('\n\n'))];
}

/** Escapes the headings in a person's text: a message is always one task, whatever its form. */
function escaped(message: string): string {
  const lines = [...markdownLines(message.replaceAll('<!--', '&lt;!--'))];
  return lines
    .map(({ text, fence }) => (fence === null ? text.replace(/^( {0,3})(#{1,6}\s)/, '$1\\$2') : text))
    .join('\n');
}
