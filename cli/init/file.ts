/**
 * The text of a new `.stator/config.toml`: its keys, commented out, each with its default and a line of description. It is made from
 * the same table as the documents. Each line without its `# ` must be accepted.
 */
import {
  agentKeys,
  budgetKeys,
  documentsKeys,
  type KeyReference,
  landingKeys,
  notesKeys,
  pullRequestsKeys,
  topKeys,
  wavesKeys,
  worktreeKeys,
} from '../../runtime/base/config/reference.ts';
import type { KnownAgent } from './agents.ts';

const repoFile = '.stator/config.toml';
/** The tables of that file whose keys have defaults, beside `[agents]`. */
const tables: readonly (readonly [name: string, keys: readonly KeyReference[]])[] = [
  ['worktree', worktreeKeys],
  ['landing', landingKeys],
  ['pull_requests', pullRequestsKeys],
  ['waves', wavesKeys],
  ['documents', documentsKeys],
  ['notes', notesKeys],
  ['budget', budgetKeys],
];
/** The column of the descriptions, unless the key itself is longer. */
const wordsColumn = 36;

/** null: no agent was found, and the table explains how to name one. */
export function configText(agent: KnownAgent | null): string {
  return [
    '# What stator does in this repo. The keys are here with their defaults: take the "# " away to change one. docs/configuration.md of stator',
    '# has what is left: hooks, members, and the budgets of a day and of an attempt.',
    '# stator doctor checks this file. It may be committed, so that everyone who clones the repo has the same; secrets belong elsewhere.',
    '',
    ...repoKeys().map(commented),
    '',
    '# The agent of every role: planner, architect, coder, reviewer, fixer, verifier, and session for an issue.',
    '[agents.default]',
    ...agentLines(agent),
    '',
    '# One role apart from the others; it takes the same keys. Naming the architect or the verifier turns it on.',
    '# [agents.reviewer]',
    '# enabled = true',
    '',
    ...tables.flatMap(([name, keys]) => [`[${name}]`, ...keys.map(commented), '']),
  ].join('\n');
}

function repoKeys(): KeyReference[] {
  return topKeys.filter(({ files }) => files.includes(repoFile));
}

function agentLines(agent: KnownAgent | null): string[] {
  const rest = (isSet: (key: string) => boolean) => agentKeys.filter(({ key }) => !isSet(key)).map(commented);
  if (agent !== null) {
    return [...agent.settings, ...rest((key) => agent.settings.some((line) => line.startsWith(`${key} = `)))];
  }
  return [
    '# No coding agent was found on PATH. Install one and name it here (preset = "claude"), or take any program that reads its task from',
    '# standard input, or from the file that $STATOR_PROMPT_FILE names:',
    line('# preset = "command"', agentKeys.find(({ key }) => key === 'preset')?.does ?? ''),
    line('# program = "your-agent --its-flags"', agentKeys.find(({ key }) => key === 'program')?.does ?? ''),
    ...rest((key) => key === 'preset' || key === 'program'),
  ];
}

function commented({ key, default: fallback, does }: KeyReference): string {
  return line(`# ${key} = ${fallback ?? '""'}`, does);
}

function line(setting: string, does: string): string {
  return `${setting.padEnd(wordsColumn)}  # ${does}`;
}

/** The keys of the reference, dotted, that a file neither sets nor mentions in a comment below their table. Most of them came with a newer version. */
export function unmentionedKeys(text: string, set: readonly string[]): string[] {
  const mentioned = new Set(set);
  let table = '';
  for (const line of text.split('\n')) {
    const [, header, key] = /^[ \t]*(?:#[ \t]*)?(?:\[+([a-z_.]+)\]+|([a-z_]+)[ \t]*=)/.exec(line) ?? [];
    if (header !== undefined) table = `${header}.`;
    else if (key !== undefined) mentioned.add(`${table}${key}`);
  }
  const named = (prefix: string, keys: readonly KeyReference[]) =>
    keys.map(({ key }) => `${prefix}${key}`).filter((key) => !mentioned.has(key));
  return [
    ...named('', repoKeys()),
    ...named('agents.default.', agentKeys),
    ...tables.flatMap(([name, keys]) => named(`${name}.`, keys)),
  ];
}
