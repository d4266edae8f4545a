/**
 * What an agent is told. Each role has its own fixed words (prompts/); this puts the plan, the work and the history of the run between
 * them. Texts of others (feedback, outputs, answers) stand in fences and are cut; the signals need no names, the run's environment has them.
 */
import type { Reason } from '../../machines/effect.ts';
import { isWorker, type Role } from '../../machines/policy.ts';
import { architect } from './prompts/architect.ts';
import { planCoder, taskCoder } from './prompts/coder.ts';
import { fixer } from './prompts/fixer.ts';
import { documentRules, planner } from './prompts/planner.ts';
import { documentLimitBytes, excerpt, fenced, quotationLimitBytes } from './prompts/quotation.ts';
import { reviewer } from './prompts/reviewer.ts';
import type { RolePrompt } from './prompts/role-prompt.ts';
import { planSession, taskSession } from './prompts/session.ts';
import { verifier } from './prompts/verifier.ts';
import { type BriefTask, type RunBrief, tasksOf } from './run-brief.ts';

const rolePrompts: Readonly<Record<Role, RolePrompt>> = {
  planner,
  architect,
  coder: planCoder,
  reviewer,
  fixer,
  verifier,
  session: planSession,
};

/** More tasks or files than this tell an agent nothing. */
const shownPeers = 30;
const shownFiles = 20;
/** For what should be a line: nothing in a document keeps a title or a path from being a novel. */
const shownCharacters = 300;
const factLimitBytes = 4 * 1024;
/** More than the engine lets through: a person's advice stands at the end of it, and is not to be cut off. */
const feedbackLimitBytes = 40 * 1024;
const quotation = { limitBytes: quotationLimitBytes, keep: 'start' } as const;

/**
 * The whole prompt, markdown, ending with a newline. Feedback, outputs, diffs and questions are cut at 16 KiB, documents at 256 KiB, each with a note
 * where the rest is. Throws `agent_unusable` where the document has no such task.
 */
export function promptOf(brief: RunBrief): string {
  const words = wordsOf(brief);
  const sections = [
    heading(brief),
    words.job,
    planFacts(brief),
    ...work(brief),
    peers(brief),
    feedback(brief),
    lastAttempt(brief),
    decision(brief),
    place(brief, words),
    ending(brief, words),
  ];
  return `${sections.filter((section) => section !== null).join('\n\n')}\n`;
}

function wordsOf(brief: RunBrief): RolePrompt {
  const { role } = brief.run;
  if (isOneTask(brief) && role === 'coder') return taskCoder;
  if (isOneTask(brief) && role === 'session') return taskSession;
  return rolePrompts[role];
}

function isOneTask({ run }: RunBrief): boolean {
  return run.wave !== null && run.task !== null;
}

function heading(brief: RunBrief): string {
  const { plan, document, run } = brief;
  const [own] = isOneTask(brief) ? tasksOf(brief) : [];
  if (own !== undefined) return `# ${taskHeading(own)}`;
  return `# ${short(document.title ?? plan)}: ${run.role}`;
}

function taskHeading({ wave, task }: BriefTask): string {
  return `Wave ${wave}, task ${task.number}: ${short(task.title)}`;
}

function planFacts({ project, plan, document }: RunBrief): string {
  const named = document.title === null ? plan : `${plan} (${short(document.title)})`;
  const facts = [
    ['Plan', `${named}, project ${project}`],
    ['Goal', document.goal],
    ['Architecture', document.architecture],
    ['Tech stack', document.techStack],
  ] as const;
  const cut = { ...wholeOf(plan), limitBytes: factLimitBytes };
  return facts.flatMap(([name, text]) => (text ? [`- ${name}: ${excerpt(text, cut)}`] : [])).join('\n');
}

/** A text of one line, as long as a line may be. */
function short(text: string): string {
  const characters = Array.from(text.slice(0, 2 * shownCharacters));
  return characters.length <= shownCharacters ? text : `${characters.slice(0, shownCharacters).join('')}…`;
}

/** The task, all tasks, or the document, as the role has it. */
function work(brief: RunBrief): string[] {
  switch (brief.run.role) {
    case 'coder':
    case 'session':
      return taskSections(brief);
    case 'planner':
      return [`## The form of a plan\n\n${documentRules}`, documentSection(brief, 'The draft')];
    case 'architect':
      return [`## The form of a plan\n\n${documentRules}`, documentSection(brief, 'The plan')];
    case 'reviewer':
    case 'fixer':
    case 'verifier':
      return [documentSection(brief, 'The plan')];
    default:
      return brief.run.role satisfies never;
  }
}

function documentSection({ content, plan }: RunBrief, title: string): string {
  if (content.trim() === '') return `## ${title}\n\nThere is none yet: the plan's name is all that is known.`;
  return `## ${title}\n\n${fenced(excerpt(content, wholeOf(plan)), 'markdown')}`;
}

function wholeOf(plan: string) {
  return { limitBytes: documentLimitBytes, keep: 'start', rest: `stator plan show ${plan} --json` } as const;
}

function taskSections(brief: RunBrief): string[] {
  const tasks = tasksOf(brief);
  if (isOneTask(brief)) return tasks.map((own) => taskSection('## The task', own, brief.plan));
  return tasks.map((own) => taskSection(`## ${taskHeading(own)}`, own, brief.plan));
}

/** The body as it is written, its own fields included: its author meant it to be read so. */
function taskSection(title: string, { task }: BriefTask, plan: string): string {
  const body = excerpt(task.body, wholeOf(plan));
  const files = task.files.length > 0 ? `Files that it is about: ${fileList(task.files)}` : null;
  const check =
    task.check === null
      ? null
      : `Its check; it must exit 0 in this folder before the task counts as done:\n\n${fenced(excerpt(task.check, { ...wholeOf(plan), limitBytes: quotationLimitBytes }), 'sh')}`;
  const parts = [title, body === '' ? 'The title says it all.' : body, files, check];
  return parts.filter((part) => part !== null).join('\n\n');
}

function fileList(files: readonly string[]): string {
  const more = files.length > shownFiles ? ` and ${files.length - shownFiles} more` : '';
  return `${files.slice(0, shownFiles).map(short).join(', ')}${more}`;
}

function peers(brief: RunBrief): string | null {
  const { run, document } = brief;
  const wave = isOneTask(brief) ? document.waves.find(({ number }) => number === run.wave) : undefined;
  const others = wave?.tasks.filter(({ number }) => number !== run.task) ?? [];
  if (others.length === 0) return null;
  const where = isShared(brief) ? 'in this same folder' : 'in worktrees of their own';
  const lines = others.slice(0, shownPeers).map(({ number, title, files }) => {
    return `- task ${number}: ${short(title)}${files.length > 0 ? ` (${fileList(files)})` : ''}`;
  });
  if (others.length > shownPeers) lines.push(`- and ${others.length - shownPeers} more`);
  return `## The other tasks of this wave\n\nOther agents do them, perhaps at this moment, ${where}. Leave their work to them.\n\n${lines.join('\n')}`;
}

function feedback({ run, plan }: RunBrief): string | null {
  if (run.feedback === null || run.feedback.trim() === '') return null;
  const rest = `stator signal list --json, the last review of plan ${plan}`;
  const text = excerpt(run.feedback, { ...quotation, limitBytes: feedbackLimitBytes, rest });
  return `## What the last review, or a person, asked for\n\n${fenced(text)}`;
}

const meanings: Readonly<Record<Reason, string>> = {
  'exit-code': 'it ended with an exit code other than 0',
  timeout: 'it took longer than it may',
  idle: 'it was silent for too long',
  lost: 'its process vanished',
  killed: 'a person ended it',
  'no-change': 'it changed nothing',
  conflict: 'its work conflicted with what was merged meanwhile',
  'check-failed': 'a check failed',
  'rate-limited': 'the service took no more requests',
  'no-verdict': 'it ended without saying what it found',
  needs_decision: 'it asked for a decision',
  'start-failed': 'it could not be started',
  'merge-failed': 'its work could not be merged',
};

/** Why the last attempt did not count; and what the last run changed, which need not have failed: a pause or a question ends one too. */
function lastAttempt({ run, previousDiff }: RunBrief): string | null {
  const { previous } = run;
  const diff = isWorker(run.role) ? excerpt(previousDiff ?? '', { ...quotation, rest: 'git diff with that ref' }) : '';
  const changes = `What the last run changed is kept under this ref; take over what was good:\n\n${fenced(diff)}`;
  if (previous === null) return diff === '' ? null : `## The run before this one\n\n${changes}`;
  const output = excerpt(previous.detail, {
    ...quotation,
    keep: 'end',
    rest: `the log of run ${previous.run}: stator instance logs ${run.title}`,
  });
  const parts = [
    `## The attempt before this one\n\nThis is attempt ${run.attempt}. The one before did not count: ${meanings[previous.reason]} (${previous.reason}). Do not repeat it.`,
    output === '' ? null : `What it said at the end:\n\n${fenced(output)}`,
    diff === '' ? null : changes,
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}

function decision({ run, plan }: RunBrief): string | null {
  if (run.question === null || run.question.trim() === '') return null;
  const cut = { ...quotation, rest: `stator plan history ${plan} --json` };
  const answer =
    run.answer === null || run.answer.trim() === ''
      ? 'A person let the plan go on without an answer: decide yourself.'
      : `A person answers, and this decides:\n\n${fenced(excerpt(run.answer, cut))}`;
  return `## Your question and its answer\n\nAn earlier run of yours asked:\n\n${fenced(excerpt(run.question, cut))}\n\n${answer}`;
}

/** With isolation by plan all tasks of a wave work in the plan's own worktree. */
function isShared(brief: RunBrief): boolean {
  return isOneTask(brief) && brief.run.place.branch === brief.run.place.from;
}

function place(brief: RunBrief, words: RolePrompt): string {
  const shared = isShared(brief)
    ? [
        'Others change files here too: add only files of your own to a commit, and run no formatter over the whole project.',
      ]
    : [];
  const lines = [
    `You stand in a git worktree on branch \`${brief.run.place.branch}\`. \`$STATOR_TEMP_DIR\` is a folder for scratch files.`,
    ...words.rules,
    ...shared,
  ];
  return `## Where you work\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function ending({ run, profile }: RunBrief, words: RolePrompt): string {
  const speaksByExit = profile.preset === 'command' && (run.role === 'reviewer' || run.role === 'verifier');
  const lines = [
    ...words.ending,
    ...(speaksByExit
      ? ['Or by exit code alone: 0 approves, 1 asks for changes with the end of your output as the text.']
      : []),
    'Only a person can decide something that you need to know: `stator signal emit needs_decision --payload "your question"`, then end. You are started again with the answer.',
    '`stator` knows this run from its environment; no names are needed.',
  ];
  return `## How to end\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}
