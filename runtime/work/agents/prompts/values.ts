/** The values of a prompt's placeholders: the plan, the work and the history of a run. Foreign texts are fenced and cut. */

import type { Reason } from '../../../../machines/vocabulary/effect.ts';
import { isJudge, isWorker } from '../../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../../machines/vocabulary/numbers.ts';
import { judgesByMessage, verdictLines, verdictSignals } from '../reports/verdict.ts';
import { type BriefTask, type RunBrief, tasksOf } from '../run-brief.ts';
import { type EarlierTask, earlierWaves, waveName } from './earlier-waves.ts';
import { type GivenNotes, notesText } from './notes.ts';
import type { Values } from './placeholders.ts';
import { documentLimitBytes, excerpt, fenced, notesLimitBytes, oneLine, quotationLimitBytes } from './quotation.ts';

/** Facts that are not in the brief. */
export interface Circumstances {
  /** The base of the plan's branch. */
  readonly base: string | null;
  /** How many lines a verifier may correct itself. */
  readonly selfFixMaxLines: number;
  /** The feedback, already cut; null: none. */
  readonly feedback: string | null;
  /** The path of the whole plan; null: none. */
  readonly planFile: string | null;
  /** The changes of tasks in earlier waves. */
  readonly earlier: readonly EarlierTask[];
  /** The taken notes about the repo, the oldest first, and the most tokens of them. */
  readonly notes: GivenNotes;
}

/** The most tasks, files or messages in a list. */
const shownPeers = 30;
const shownFiles = 20;
const shownMessages = 20;
const factLimitBytes = 4 * 1024;
const quotation = { limitBytes: quotationLimitBytes, keep: 'start' } as const;

/** All values except `signals`. Throws `agent_unusable` if the document has no such task. */
export function valuesOf(brief: RunBrief, around: Circumstances): Omit<Values, 'signals'> {
  const { run, plan, document } = brief;
  return {
    title: titleOf(brief),
    role: run.role,
    project: oneLine(brief.project),
    plan,
    plan_title: oneLine(document.title ?? '') || plan,
    branch: oneLine(run.place.branch),
    attempt: String(run.attempt),
    document: documentOf(brief),
    worktree: worktreeOf(brief),
    goal: fact(document.goal, plan),
    architecture: fact(document.architecture, plan),
    tech_stack: fact(document.techStack, plan),
    issues: document.issues.length === 0 ? null : document.issues.join(', '),
    'plan.notes': notesOf(brief, around),
    notes: notesText(around.notes),
    plan_file: around.planFile === null ? null : oneLine(around.planFile),
    wave_title: oneLine(waveOf(brief)?.title ?? '') || null,
    earlier_waves: earlierWaves(document, around.earlier, { wave: run.wave, rest: restOf(around, plan) }),
    drafts: draftsOf(brief),
    base: around.base === null ? null : oneLine(around.base),
    ...workOf(brief),
    ...peersOf(brief),
    feedback: around.feedback === null ? null : fenced(around.feedback),
    messages: messagesOf(brief),
    ...previousOf(brief),
    ...decisionOf(brief),
    self_fix: run.role === 'verifier' ? selfFix(around.selfFixMaxLines) : null,
    ...verdictOf(brief),
    exit_verdict: exitVerdict(brief),
  };
}

function isOneTask({ run }: RunBrief): boolean {
  return run.wave !== null && run.task !== null;
}

function titleOf(brief: RunBrief): string {
  const [own] = isOneTask(brief) ? tasksOf(brief) : [];
  if (own !== undefined) return taskHeading(own);
  return `${oneLine(brief.document.title ?? '') || brief.plan}: ${brief.run.role}`;
}

function taskHeading({ wave, task }: BriefTask): string {
  return `Wave ${wave}, task ${task.number}: ${oneLine(task.title)}`;
}

function fact(text: string | null, plan: string): string | null {
  return text === null ? null : excerpt(text, { ...wholeOf(plan), limitBytes: factLimitBytes });
}

function wholeOf(plan: string) {
  return { limitBytes: documentLimitBytes, keep: 'start', rest: `stator plan show ${plan} --json` } as const;
}

/** The document's text outside of tasks. For the agent of one task, introductions of other waves are left out. */
function notesOf(brief: RunBrief, around: Circumstances): string | null {
  const { run, plan, document } = brief;
  const notes = document.notes.filter(({ wave }) => wave === null || !isOneTask(brief) || wave === run.wave);
  if (notes.length === 0) return null;
  const texts = notes.map(({ wave, text }) =>
    wave === null ? text.trim() : `(${introduced(brief, wave)})\n\n${text.trim()}`,
  );
  const cut = { limitBytes: notesLimitBytes, keep: 'start', rest: restOf(around, plan) } as const;
  return fenced(excerpt(texts.join('\n\n'), cut), 'markdown');
}

function introduced({ document }: RunBrief, wave: number): string {
  return `about ${waveName(wave, document.waves.find(({ number }) => number === wave)?.title ?? '')}`;
}

/** The place of the whole plan, as the end of a sentence. */
function restOf({ planFile }: Circumstances, plan: string): string {
  return planFile ?? `stator plan show ${plan} --json`;
}

function waveOf(brief: RunBrief) {
  return isOneTask(brief) ? brief.document.waves.find(({ number }) => number === brief.run.wave) : undefined;
}

function documentOf({ content, plan }: RunBrief): string {
  if (content.trim() === '') return "There is none yet: the plan's name is all that is known.";
  return fenced(excerpt(content, wholeOf(plan)), 'markdown');
}

/** As much of each text as fits with the others. */
function draftsOf({ drafts = [], plan }: RunBrief): string | null {
  const limitBytes = Math.floor(documentLimitBytes / Math.max(1, drafts.length));
  const texts = drafts.map(({ number, content }) => {
    const rest = `stator plan show ${plan} --draft ${number}`;
    return `### Draft ${number}\n\n${fenced(excerpt(content, { limitBytes, keep: 'start', rest }), 'markdown')}`;
  });
  return texts.length === 0 ? null : texts.join('\n\n');
}

/** The task or tasks of a worker; judges and planners get the document. */
function workOf(
  brief: RunBrief,
): Pick<Values, 'wave' | 'task' | 'files' | 'repo' | 'check' | 'tasks' | 'finished_signal'> {
  const { run, plan } = brief;
  const none = { wave: null, task: null, files: null, repo: null, check: null, tasks: null };
  const finished_signal = isOneTask(brief) ? 'implement_task_finished' : 'implement_finished';
  if (!isWorker(run.role)) return { ...none, finished_signal: null };
  const tasks = tasksOf(brief);
  const [own] = tasks;
  if (!isOneTask(brief) || own === undefined) {
    const texts = tasks.map((task) => [`### ${taskHeading(task)}`, bodyOf(task, plan), labelled(task, plan)]);
    return {
      ...none,
      tasks: texts.flatMap((parts) => parts.filter((part) => part !== '')).join('\n\n'),
      finished_signal,
    };
  }
  const files = own.task.files.length === 0 ? null : fileList(own.task.files);
  const check = checkOf(own, plan);
  return {
    wave: String(own.wave),
    task: bodyOf(own, plan),
    files,
    repo: repoOf(own),
    check,
    tasks: null,
    finished_signal,
  };
}

/** The body as written, with its own fields, because its author meant it so. */
function bodyOf({ task }: BriefTask, plan: string): string {
  return excerpt(task.body, wholeOf(plan)) || 'The title says it all.';
}

function checkOf({ task }: BriefTask, plan: string): string | null {
  if (task.check === null) return null;
  return fenced(excerpt(task.check, { ...wholeOf(plan), limitBytes: quotationLimitBytes }), 'sh');
}

function repoOf({ task: { repo } }: BriefTask): string | null {
  return repo === null
    ? null
    : `the files of ${repo} are in the folder \`${repo}/\` of this worktree, and the check runs there; the other folders belong to other repos`;
}

function labelled(own: BriefTask, plan: string): string {
  const check = checkOf(own, plan);
  const repo = repoOf(own);
  const where = own.task.repo === null ? 'this folder' : `\`${own.task.repo}/\``;
  return [
    ...(repo === null ? [] : [`Its repo: ${repo}.`]),
    ...(check === null ? [] : [`Its check; it must exit 0 in ${where} before the plan counts as done:\n\n${check}`]),
  ].join('\n\n');
}

function fileList(files: readonly string[]): string {
  return shortList(files.map(oneLine), shownFiles);
}

/** With isolation by plan all tasks of a wave work in the plan's own worktree, one at a time. */
function peersOf(brief: RunBrief): Pick<Values, 'peers' | 'peers_place' | 'shared_folder'> {
  const { run } = brief;
  const wave = waveOf(brief);
  const others = wave?.tasks.filter(({ number }) => number !== run.task) ?? [];
  const isShared = isOneTask(brief) && run.place.branch === run.place.from;
  const shared_folder = isShared
    ? 'The tasks of this wave are done in this folder one after the other: build on what is there, and run no formatter over the whole project.'
    : null;
  if (others.length === 0) return { peers: null, peers_place: null, shared_folder };
  const lines = others.slice(0, shownPeers).map(({ number, title, files }) => {
    return `- task ${number}: ${oneLine(title)}${files.length > 0 ? ` (${fileList(files)})` : ''}`;
  });
  if (others.length > shownPeers) lines.push(`- and ${others.length - shownPeers} more`);
  const peers_place = isShared
    ? 'before or after you, in this same folder'
    : 'perhaps at this moment, in worktrees of their own';
  return { peers: lines.join('\n'), peers_place, shared_folder };
}

function messagesOf({ run, words }: RunBrief): string | null {
  const said = words.messages.filter((message) => message.trim() !== '');
  if (said.length === 0) return null;
  const rest = `stator agent messages ${run.title}`;
  const shown = said.slice(-shownMessages).map((message) => fenced(excerpt(message, { ...quotation, rest })));
  const earlier = said.length - shown.length;
  const note =
    earlier === 0 ? [] : [`[${earlier} earlier ones are left out; all of them: stator agent messages ${run.title}]`];
  return [...note, ...shown].join('\n\n');
}

const meanings: Readonly<Record<Reason, string>> = {
  'exit-code': 'it ended with an exit code other than 0',
  timeout: 'it took longer than it may',
  idle: 'it was silent for too long',
  lost: 'its process vanished',
  killed: 'a person ended it',
  'no-change': 'it changed nothing',
  'set-aside': 'part of what it made is not on its branch, and was set aside',
  deletions: 'it deleted more files than a person agrees to',
  additions: 'it added what a person does not want in git',
  conflict: 'its work conflicted with what was merged meanwhile',
  'check-failed': 'a check failed',
  'rate-limited': 'the service took no more requests',
  'resource-limit': 'it reached its limit of memory, processes or disk',
  'no-verdict': 'it ended without saying what it found',
  needs_decision: 'it asked for a decision',
  'start-failed': 'it could not be started',
  'merge-failed': 'its work could not be merged',
};

/** Why the last attempt did not count, and what the last run changed. The last run need not have failed: a pause or a question also ends one. */
function previousOf({
  run,
  previousDiff,
}: RunBrief): Pick<Values, 'previous_reason' | 'previous_output' | 'previous_diff'> {
  const { previous } = run;
  const diff = isWorker(run.role) ? excerpt(previousDiff ?? '', { ...quotation, rest: 'git diff with that ref' }) : '';
  const previous_diff = diff === '' ? null : fenced(diff);
  if (previous === null) return { previous_reason: null, previous_output: null, previous_diff };
  const rest = `the log of run ${previous.run}; stator agent show ${run.title} names its file`;
  const output = excerpt(previous.detail, { ...quotation, keep: 'end', rest });
  return {
    previous_reason: `The one before did not count: ${meanings[previous.reason]} (${previous.reason}).`,
    previous_output: output === '' ? null : fenced(output),
    previous_diff,
  };
}

function worktreeOf({ run, previousDiff }: RunBrief): string {
  if (run.start === 'continue')
    return 'This folder is as your last run left it, and what was uncommitted is committed: go on from there.';
  if (!isWorker(run.role) || previousDiff === null)
    return 'This folder stands at the head of its branch, with nothing uncommitted.';
  const at = run.place.branch === run.place.from ? 'where that run began' : `the head of ${oneLine(run.place.from)}`;
  return `This folder was brought back to ${at}; what the last run changed is no longer in it, but kept under a ref. Take over what was good.`;
}

function decisionOf({ plan, words: { question, answer: said } }: RunBrief): Pick<Values, 'question' | 'answer'> {
  if (question === null || question.trim() === '') return { question: null, answer: null };
  const cut = { ...quotation, rest: `stator plan history ${plan} --json` };
  const answer =
    said === null || said.trim() === ''
      ? 'A person let the plan go on without an answer: decide yourself.'
      : `A person answers, and this decides:\n\n${fenced(excerpt(said, cut))}`;
  return { question: fenced(excerpt(question, cut)), answer };
}

function selfFix(maxLines: number): string {
  if (maxLines === 0) return 'Change no file of the repo and no commit: even a small fault is for a fixer.';
  return `You may correct small things yourself: at most ${maxLines} lines in all, added and removed counted together, tested and committed here. What is larger is for a fixer; what you leave uncommitted is taken out again.`;
}

/** Programs of presets report in their last message, all others with a signal. */
function verdictOf({ run: { role }, profile: { preset } }: RunBrief): Pick<Values, 'approval' | 'rejection'> {
  if (!isJudge(role)) return { approval: null, rejection: null };
  const [good, isBound] =
    role === 'reviewer'
      ? ['It is good', '']
      : [
          'It is ready',
          ' It counts for the commit that stands here then: commit first, then look once more, then approve.',
        ];
  const points = role === 'reviewer' ? 'each point with its place and the reason' : 'each point with how you found it';
  if (judgesByMessage(role, preset)) {
    return {
      approval: `${good}: end your last message with this line by itself, and nothing after it: \`${verdictLines.approved}\`.${isBound}`,
      rejection: `It is not: write into your last message what must change, ${points}, at most 30 KB, and end it with this line by itself: \`${verdictLines.changes}\`. A fixer gets exactly this message. No signal is a verdict, and nothing may run on in the background.`,
    };
  }
  const { approved, changes } = verdictSignals[role];
  const file = `$STATOR_TEMP_DIR/${role === 'reviewer' ? 'review' : 'verify'}.md`;
  const payload = role === 'reviewer' ? '' : ' --payload "{\\"reviewed_sha\\": \\"$(git rev-parse HEAD)\\"}"';
  const bound =
    role === 'reviewer' ? '' : ' It counts for that commit alone: commit first, then look once more, then approve.';
  return {
    approval: `${good}: \`stator signal emit ${approved}${payload}\`, then end.${bound}`,
    rejection: `It is not: write what must change into \`${file}\`, ${points}, at most 30 KB, and \`stator signal emit ${changes} --payload - < "${file}"\`, then end. A fixer gets exactly this text.`,
  };
}

function exitVerdict({ run, profile }: RunBrief): string | null {
  const judges = run.role === 'reviewer' || run.role === 'verifier';
  if (profile.preset !== 'command' || !judges) return null;
  return 'Or by exit code alone: 0 approves, 1 asks for changes with the end of your output as the text.';
}
