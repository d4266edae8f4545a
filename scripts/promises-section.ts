/** What README.md and SECURITY.md promise, and the test that holds each sentence: docs/promises.md is written from this, and a test fails where one has none. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from './markdown.ts';

/** How a promised sentence begins, and the file under test/ with a part of the title that holds it. */
type Held = readonly [promise: string, file: string, title: string];

const readme: readonly Held[] = [
  ['It survives `kill -9`', 'crash/random', 'loses no work, does nothing twice, and leaves nobody behind'],
  [
    'Agents keep running without the engine',
    'engine/stop',
    'leaves its agents, and the next one adopts them with the exit codes they had meanwhile',
  ],
  ['No agent is started twice', 'crash/points', 'starts no agent twice when it is killed right after it spawned one'],
  ['No agent is started twice', 'agents/run-process', 'that left an empty exit file makes the run lost'],
  ['The tests kill the engine between', 'soak/points.soak', 'at each point, the first time in a life'],
  ['It explains every step', 'queries/explain-waits', 'explain tells a tired person'],
  [
    '`stator plan explain` says',
    'queries/explain-waits',
    'that the limit of the repo is reached, where slots are free',
  ],
  [
    '`stator plan history` says',
    'cli/why',
    'run, plan history and plan show say why an attempt failed, what the review wants, and what all of it took',
  ],
  [
    'It limits cost and damage',
    'outbox/taking',
    'a run does not begin where what is left of its budget is taken meanwhile',
  ],
  [
    'Budgets limit dollars',
    'outbox/taking',
    'a run does not begin where what is left of its budget is taken meanwhile',
  ],
  [
    'On Linux with bubblewrap, agents run in a sandbox',
    'walls/agents',
    'nothing is there but its own worktree and temp',
  ],
  [
    'A repository can start programs only after',
    'walls/trust',
    'and that configures nothing starts neither the built-in agent nor a check of its document, in a pipe',
  ],
  ['It leaves your checkout alone', 'git/worktree', "never touches the user's checkout, be it dirty or detached"],
  ['Work happens in worktrees', 'git/worktree', "never touches the user's checkout, be it dirty or detached"],
  [
    '`stator plan merge` refuses to touch',
    'effects/plan-merge',
    'says which files the checkout has changes in, what conflicts, what is under way there; and changes nothing',
  ],
  [
    'with a planner configured, the file needs no waves',
    'cli/plan-loop',
    'by one command to its end; the planned document comes back to the file, but never over an edit',
  ],
  [
    '`stator run` has the plan written first',
    'cli/run-planned',
    'is shown on a terminal, and carried out once the person says yes',
  ],
  ['each agent gets a prompt for its role', 'agents/prompt', 'the planner is told a form of plans that parses'],
  ['A repository can replace it', 'agents/prompt-overrides', 'a prompt of the repo'],
  [
    '`stator plan show` and `stator agent show` report',
    'cli/why',
    'run, plan history and plan show say why an attempt failed, what the review wants, and what all of it took',
  ],
  [
    'a failed attempt is repeated in the same conversation',
    'agents/prompt-resume',
    'after a failed attempt it is told why, what became of its work, and how to end',
  ],
  [
    'When a service reports a rate limit',
    'engine/programs',
    'waits for the end of a limit with no attempt spent, says so, and then goes on in its conversation',
  ],
  [
    '`stator agent send',
    'engine/messages',
    'reads a message in its next turn and goes on from what it had, without spending an attempt',
  ],
  [
    '`preset = "command"` starts your program',
    'engine/roles-verifier',
    'that speaks by exit code approves the commit it began with',
  ],
  [
    '`preset = "sh"` runs the `sh` blocks',
    'cli/run',
    'takes a file to done, one plain line for each fact, and merges it',
  ],
  ['A task has three attempts', 'engine/simulate', 'shows where a failure leads: the attempts are used up'],
  [
    'The prompt of each further attempt says why',
    'agents/prompt',
    'who comes after a failed attempt is told why, with what it said and changed',
  ],
  [
    'When all attempts have failed, `stator run` ends',
    'cli/run',
    'ends with 1 and the ways on where a task has failed, and goes on after a retry',
  ],
  [
    'An agent that needs a decision asks for it',
    'engine/decision',
    'holds its task alone: others are merged meanwhile',
  ],
  [
    'Ctrl-C pauses the plan',
    'cli/run',
    'pauses at Ctrl-C, stops its agents, and the same command goes on without a lost attempt',
  ],
  [
    'The same `stator run` command continues it',
    'cli/plan-loop',
    'after Ctrl-C and kill -9 in the planner, and after Ctrl-C behind it',
  ],
  ['Running plans explains every reason', 'docs/promises', 'explains every reason for which a run fails'],
  [
    'Hooks send each event',
    'effects/hooks-trial',
    'is told of every event, in order, each under one id, whatever fails and however often the engine is killed',
  ],
  ['Web requests are signed, arrive in order', 'effects/hooks', 'is signed as Standard Webhooks has it'],
  ['stator sends no telemetry', 'docs/promises', 'asks no host but those of forges and hooks'],
];

const security: readonly Held[] = [
  [
    'on Linux with bubblewrap, for agents, checks',
    'walls/agents',
    'checks and the setup of a worktree stand inside of the same walls',
  ],
  ['What is not listed is not there', 'walls/agents', 'nothing is there but its own worktree and temp'],
  ["A program's login is a copy", 'walls/logins', 'that an agent exchanged is not taken, and is named'],
  [
    'When the agent ends, everything that it started',
    'walls/agents',
    'what an agent started elsewhere ends with it, however it was started',
  ],
  [
    '`sandbox = "bwrap"` starts nothing',
    'walls/agents',
    'a role that must have them is refused before anything starts',
  ],
  ['Links inside `.git` are not followed', 'walls/linked-git', 'is not mounted by what the repository leads to'],
  [
    'unless a profile says otherwise: a run that takes more',
    'agents/resources',
    'than its limit is ended, and says which key sets it',
  ],
  ['A setup has the limits of its agent', 'agents/resources', 'a command hook has the limits of the coder'],
  [
    'When a run has ended, a program that its agent leaves',
    'walls/special-bits',
    'that an agent leaves in its worktree has lost it when the run has ended',
  ],
  [
    'with walls and without: agents, checks and setups get',
    'agents/environment',
    'tells the agent who it is, and how to reach the engine',
  ],
  ['Tokens, `SSH_AUTH_SOCK` and what loaders read', 'walls/escapes', 'loader-in-environment'],
  [
    'a command hook works in the files of the commit',
    'walls/hook-files',
    'runs what was trusted of %s, and another version once somebody says yes',
  ],
  [
    'An env file inside the repository is trusted as a whole',
    'walls/hook-files',
    'counts whole: a changed line is asked about before the hook has it',
  ],
  [
    'for judges (reviewer, verifier)',
    'walls/project-settings',
    'finds no file that git ignores, and loads no settings among them',
  ],
  ['What it leaves there is moved', 'walls/project-settings', 'approves the commit that it looked at'],
  [
    'claude, codex, gemini and opencode load no settings',
    'walls/project-settings',
    'starts nothing that settings of the branch name',
  ],
  [
    'Their verdict is the last line',
    'walls/project-settings',
    'gives its verdict in its last message, and no command that it starts gives one',
  ],
  [
    'The token of the run gives none',
    'walls/project-settings',
    'gives its verdict in its last message, and no command that it starts gives one',
  ],
  [
    'A run whose output holds two messages',
    'walls/project-settings',
    'a judge whose output holds two verdicts has given none',
  ],
  ['If `program` or `flags` of its profile name', 'walls/judges', 'is judged by the one that it found'],
  ['A file that only the branch has is refused', 'walls/judges', 'runs what the branch says, and is refused'],
  ['Its `trusted_files` are', 'walls/judges', 'has the files that its profile names as they were trusted'],
  [
    'Inside walls nothing that the judge starts',
    'walls/judges',
    'what a judge starts writes none of its trusted files anew',
  ],
  [
    'with walls and without: what claude, codex, gemini',
    'walls/project-settings',
    'loads settings of the repository that a person was shown and said yes to',
  ],
  [
    'A settings file that was added or changed since then',
    'walls/project-settings',
    'loads no settings that came to the repository since',
  ],
  [
    'git, when stator runs it, starts no program',
    'walls/git-programs',
    'does not start one when it is added, worked in, checked and merged',
  ],
  ['It fetches nothing by itself', 'walls/git-programs', 'no token is shown to them'],
  [
    'That holds for the pushes of automatic pull requests',
    'walls/pushes',
    'that the engine decides on starts nothing that the repository or its remote names',
  ],
  [
    'A named pipe in the place of a file',
    'walls/pipes',
    'an agent that makes one fails its plan, and the daemon can be stopped',
  ],
  [
    'Files of yours that stator writes in a repository',
    'walls/exclude-file',
    'does not lead a line of ours into the start file of a shell',
  ],
  [
    'Sockets lie in folders',
    'walls/run-sockets',
    'nobody else comes to a run’s socket: its folder is closed, and a link in its place is not followed',
  ],
  ['Inside walls there is one socket', 'walls/agents', 'nothing is there but its own worktree and temp'],
  [
    "It takes the run's token and no other",
    'walls/run-sockets',
    'a run’s socket answers nobody without its token, and no other run',
  ],
  [
    'What a role may say is decided in one place',
    'walls/run-sockets',
    'a coder approves nothing and finishes no task but its own',
  ],
  [
    'A check may read, and may send nothing',
    'walls/run-sockets',
    'a run’s socket serves nothing but its own plan, and no route of people',
  ],
  ['A token has 256 bits', 'walls/run-sockets', 'a token speaks for nobody once its run has ended'],
  ['A row that another program inserts', 'walls/foreign-rows', 'a row is no agent, whatever origin and run it names'],
  [
    'A client that connects and sends nothing',
    'walls/tcp',
    'sixty half-sent bodies are let go when their time is over',
  ],
  ['where `[http] bind` switches it on', 'walls/tcp', 'no route answers without the token'],
  ['Other people have', 'walls/people', 'only the hash of a token is kept, in files that are this user’s alone'],
  [
    'Whoever has one may do what its role allows',
    'walls/people',
    'a role may what its routes say, and everything else is 403 with the role that it needs',
  ],
  [
    'A token that you take back is refused',
    'walls/people',
    'a token that is taken back is refused at once and ends its open streams, and no others',
  ],
  [
    'An agent makes no such token',
    'walls/people',
    'an agent makes no token, and with its own, a guessed pass or a row it is no person with a name',
  ],
  [
    '`stator token rotate` ends the old token',
    'walls/tcp',
    'a token that was rotated counts no more from the next request on',
  ],
  [
    'An address that other machines reach',
    'walls/tcp',
    'an address that other machines reach is refused, unless the file says that it is wanted',
  ],
];

/** By the document that promises. */
export const heldBy = { 'README.md': readme, 'SECURITY.md': security } as const;
export type PromisingDocument = keyof typeof heldBy;

/** The places of a document that promise something. The rest teaches, or says what is not promised. */
const places: Readonly<Record<PromisingDocument, RegExp>> = {
  'README.md':
    /^- \*\*(.*?)(?=\n- \*\*|\n\n)|\*\*Requirements:\*\*.*?checks them\.(.*?)\n|## When something fails\n(.*?)(?=\n## )/gms,
  'SECURITY.md': /\*Promised\*(.*?)(?=\n\*Not promised\*|\n## |$)/gs,
};

/** The sentences that a document promises. One that is a link alone, or that names the chapter, is none. */
export function promisesOf(root: string, document: PromisingDocument): string[] {
  const text = readFileSync(join(root, document), 'utf8');
  const parts = [...text.matchAll(places[document])].map((found) => found.slice(1).join(''));
  return parts.flatMap(sentencesOf);
}

function sentencesOf(part: string): string[] {
  return part
    .replace(/:\s*^```.*?^```$/gms, '.')
    .replace(/(?<=\.) \[[^\]]*\]\([^)]*\)\.?$/gm, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\s+/g, ' ')
    .replace(/^[^*]*:\*\* |\*\*/g, '')
    .split(/(?<=\.) (?=[-A-Z`])/)
    .map((sentence) => sentence.replace(/^[\s,:-]+/, '').trim())
    .filter((sentence) => /[.:]$/.test(sentence));
}

/** A line for each promise: its words, and what holds it. */
export function promiseTable(document: PromisingDocument): (root: string) => string {
  return (root) =>
    markdownTable(
      ['promise', 'held by'],
      promisesOf(root, document).map((sentence) => [
        sentence,
        heldBy[document]
          .filter(([promise]) => sentence.startsWith(promise))
          .map(([, file, title]) => `[${file}](../test/${fileOf(file)}): ${title}`)
          .join('; '),
      ]),
    );
}

export function fileOf(file: string): string {
  return file.endsWith('.soak') ? `${file}.ts` : `${file}.test.ts`;
}
