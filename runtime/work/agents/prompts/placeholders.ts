/** The placeholders of prompt templates, with their meaning. The one table for the renderer, its errors and the docs. */

/** `always`: it has a text in every prompt. `sometimes`: it may be absent, and then its section is left out. */
export const placeholders = {
  title: { there: 'always', means: 'what the run is about: `Wave 1, task 2: Query`, or the plan and the role' },
  role: { there: 'always', means: 'the role, such as `coder`' },
  project: { there: 'always', means: "the project's name" },
  plan: { there: 'always', means: "the plan's name" },
  plan_title: { there: 'always', means: "the document's title, else the plan's name" },
  branch: { there: 'always', means: 'the branch that the worktree stands on' },
  attempt: { there: 'always', means: 'the number of this attempt, from 1' },
  document: { there: 'always', means: 'the whole plan, fenced, at most 256 KiB' },
  worktree: { there: 'always', means: 'what became of the folder since the last run, one sentence' },
  signals: { there: 'always', means: 'how to end: the list of the built-in prompt of the role' },
  goal: { there: 'sometimes', means: "the document's **Goal:**" },
  architecture: { there: 'sometimes', means: "the document's **Architecture:**" },
  tech_stack: { there: 'sometimes', means: "the document's **Tech Stack:**" },
  issues: { there: 'sometimes', means: "the links of the document's **Issue:**" },
  'plan.notes': {
    there: 'sometimes',
    means: 'what the document says outside of its tasks, fenced, at most 64 KiB; for one task: of waves only the own',
  },
  notes: {
    there: 'sometimes',
    means: 'what agents and people noted about the repo, fenced: the newest up to the tokens of `[notes]`',
  },
  plan_file: { there: 'sometimes', means: 'the path of a file with the whole plan' },
  drafts: {
    there: 'sometimes',
    means: 'for who chooses among several drafts: each with its number, fenced, at most 256 KiB in all',
  },
  base: { there: 'sometimes', means: "what the plan's branch began from, such as `main`" },
  wave: { there: 'sometimes', means: 'the number of the wave of the one task' },
  wave_title: { there: 'sometimes', means: 'the title of that wave, where it has one' },
  task: { there: 'sometimes', means: 'the body of the one task' },
  files: { there: 'sometimes', means: "that task's **Files:**" },
  repo: { there: 'sometimes', means: 'which of several repos that task is for, and the folder that has its files' },
  check: { there: 'sometimes', means: "that task's **Check:**, fenced" },
  peers: { there: 'sometimes', means: 'the other tasks of its wave, a list' },
  peers_place: {
    there: 'sometimes',
    means: 'when and where those are done: `perhaps at this moment, in worktrees of their own`, or in this folder',
  },
  earlier_waves: {
    there: 'sometimes',
    means: 'the waves before that one: their tasks, and the files that these changed, a list of at most 12 KiB',
  },
  shared_folder: { there: 'sometimes', means: 'what to mind where tasks share a folder' },
  tasks: { there: 'sometimes', means: 'all tasks, where one worker does the whole plan' },
  finished_signal: { there: 'sometimes', means: "a worker's signal that it is done, with its name only" },
  feedback: {
    there: 'sometimes',
    means: 'what the last review, verification or person asked for, fenced, at most 40 KiB',
  },
  messages: { there: 'sometimes', means: 'messages that people sent to this agent, fenced' },
  previous_reason: { there: 'sometimes', means: 'why the attempt before this one did not count, one sentence' },
  previous_output: { there: 'sometimes', means: 'the end of its output, fenced' },
  previous_diff: { there: 'sometimes', means: 'for a worker: what the last run changed, and the ref that keeps it' },
  question: { there: 'sometimes', means: 'what an earlier run of this agent asked, fenced' },
  answer: { there: 'sometimes', means: "a person's answer to it" },
  self_fix: { there: 'sometimes', means: 'for a verifier: how much it may correct itself' },
  approval: { there: 'sometimes', means: 'for who judges: how it says that the work is good' },
  rejection: { there: 'sometimes', means: 'for who judges: how it asks for changes' },
  exit_verdict: { there: 'sometimes', means: 'for a `command` that judges: what its exit codes say' },
} as const satisfies Record<string, { there: 'always' | 'sometimes'; means: string }>;

export type Placeholder = keyof typeof placeholders;

/** null or an empty text: absent. */
export type Values = Readonly<Record<Placeholder, string | null>>;

export function isPlaceholder(name: string): name is Placeholder {
  return Object.hasOwn(placeholders, name);
}
