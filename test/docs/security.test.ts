/** Each sentence that SECURITY.md promises has a test that holds it, which is there by that very title. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** How a promised sentence begins, and the file under test/ with a part of the title that holds it. */
const heldBy: readonly (readonly [promise: string, file: string, title: string])[] = [
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

/** What stands between `*Promised*` and what is not, one sentence each. A sentence that is a link alone, or that names the chapter, is none. */
function promises(): string[] {
  const text = readFileSync('SECURITY.md', 'utf8');
  const parts = [...text.matchAll(/\*Promised\*(.*?)(?=\n\*Not promised\*|\n## |$)/gs)].map(([, part = '']) => part);
  return parts.flatMap((part) =>
    part
      .replace(/\[([^\]]*)\]\([^)]*\)(?=\s*$)/, '')
      .replace(/\s+/g, ' ')
      .split(/(?<=\.) (?=[-A-Z`])/)
      .map((sentence) => sentence.replace(/^[\s,:-]+/, '').trim())
      .filter((sentence) => sentence !== ''),
  );
}

it('names for each promise a test that holds it', () => {
  const unheld = promises().filter((sentence) => !heldBy.some(([promise]) => sentence.startsWith(promise)));
  expect(unheld).toEqual([]);
});

it('names tests that are there, and promises that are made', () => {
  const all = promises();
  const wrong = heldBy.filter(([promise, file, title]) => {
    const isMade = all.some((sentence) => sentence.startsWith(promise));
    return !isMade || !readFileSync(`test/${file}.test.ts`, 'utf8').includes(title);
  });
  expect(wrong).toEqual([]);
});
