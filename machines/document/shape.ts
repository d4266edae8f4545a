/** The shape of a plan that was read: what the grammar finds in a document, and its problems and remarks. Lines are 1-based. */

import type { Amounts } from '../vocabulary/budget.ts';

export interface PlanTask {
  /** As written; a task is known by its wave and this number. */
  number: number;
  /** Empty only where the heading has none, which is a problem. */
  title: string;
  line: number;
  /** Its heading is marked as done (`### [x] Task 2: title`, `### Task 2: title ✅`); the mark is no part of the title. */
  isDone: boolean;
  /** The exact text below the task's heading, line ends included. */
  body: string;
  /** The command of `**Check:**`, to be run by a shell. */
  check: string | null;
  /** Paths as written, without line ranges and a leading `./`, each once. */
  files: string[];
  /** Numbers of tasks of the same wave. */
  after: number[];
  /** The table of `[agents]` whose agent does it, of `**Agent:**`; null: as the configuration has it. */
  agent: string | null;
  /** The member of the plan's repo whose files it changes, of its own `**Repo:**` or the plan's; null: the document does not say. */
  repo: string | null;
}

export interface PlanWave {
  number: number;
  line: number;
  /** What follows the number in the heading; often empty. */
  title: string;
  tasks: PlanTask[];
}

/** A part of a document that is in no task: what is before the first wave or introduces one, and sections between and behind the tasks. */
export interface PlanNote {
  line: number;
  /** The title of the heading that it begins with; empty where it has none. */
  title: string;
  /** The number of the wave that it introduces; null: it is about the whole plan. */
  wave: number | null;
  /** As written, with its heading and the fields of the plan; the line that was read as the title is left out. */
  text: string;
}

/** A problem or remark about a document, with its line. */
export interface PlanProblem {
  line: number;
  message: string;
}

/** A document as a plan: its waves and tasks, and the text around them. */
export interface PlanDocument {
  /** The first `# ` heading before the first wave. */
  title: string | null;
  goal: string | null;
  architecture: string | null;
  techStack: string | null;
  topic: string | null;
  /** The name of a host, or a label of hosts, where its agents may run; null: anywhere. */
  host: string | null;
  /** Links to issues of a tracker. */
  issues: string[];
  /** The most that its agents may use; null: the document does not say. */
  budget: Amounts | null;
  /** Names of the plans that must be done first, without `.md`. Whether they exist, only the store knows. */
  after: string[];
  /** The members of the plan's repo in the order in which they land, of `**Land:**`; null: in the order of the configuration. */
  land: { folders: string[]; line: number } | null;
  /** The member of the plan's repo that its tasks are for, unless they name another, of `**Repo:**` in its head; null: the document does not say. */
  repo: { name: string; line: number } | null;
  waves: PlanWave[];
  /** In the order of their lines. With the titles and task bodies they are the whole document. */
  notes: PlanNote[];
}

/** `ok` exactly where `problems` is empty. With problems the document holds what could be read. */
export interface ParsedPlan {
  ok: boolean;
  document: PlanDocument;
  problems: PlanProblem[];
  /** Notes on lines that are no mistake, but most likely not what the writer meant. */
  remarks: PlanProblem[];
}

/** Where the readers put their problems; the order does not matter. */
export type ReportProblem = (line: number, message: string) => void;

/** Wave and task numbers are in titles, branches and file names, so they stay short. */
export const planNumberLimit = 9999;

/** A text from the document inside a message: short, in backticks, on one line, and without characters that a terminal would obey. */
export function quoted(text: string): string {
  const limit = 80;
  if (text.length <= limit && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return `\`${text}\``;
  const shown = text
    .slice(0, limit)
    .replace(/\p{Surrogate}$/u, '')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return `\`${text.length > limit ? `${shown}…` : shown}\``;
}
