/** Which agent does a task, if it is not the coder's own: the one that the plan names, or the agent for small tasks. Decided when the task begins. */

/** A task is small if it declares one or two files, by their paths, and its text is short: then the plan says where the change is. */
const smallFilesLimit = 2;
/** In characters, with the fields. */
const smallLengthLimit = 1_500;

export interface TaskFacts {
  /** Absent or null: the plan names none. */
  readonly agent?: string | null;
  readonly files: readonly string[];
  /** The characters of its text; absent: not known, as of plans that an earlier version stored. */
  readonly length?: number;
}

export interface TaskAgent {
  /** A table of `[agents]`. */
  readonly agent: string;
  readonly by: 'plan' | 'size';
}

export function taskFacts(task: {
  readonly agent: string | null;
  readonly files: readonly string[];
  readonly body: string;
}): TaskFacts & { readonly length: number } {
  return { agent: task.agent, files: task.files, length: task.body.trim().length };
}

/** `small`: the table for small tasks; null or undefined: there is none. The answer null: the coder's own agent. */
export function taskAgent(task: TaskFacts, small: string | null | undefined): TaskAgent | null {
  if (task.agent != null) return { agent: task.agent, by: 'plan' };
  return small == null || !isSmall(task) ? null : { agent: small, by: 'size' };
}

export function taskAgentText({ agent, by }: TaskAgent): string {
  return by === 'plan' ? `${agent}, named by the plan` : `${agent}, because the task is small`;
}

/** If one coder does all tasks: the first agent that a task names, or the one for small tasks if each of them is small. */
export function agentOfAll(tasks: readonly TaskFacts[], small: string | null | undefined): string | undefined {
  const each = tasks.map((task) => taskAgent(task, small));
  const named = each.find((found) => found?.by === 'plan');
  return (named ?? (each.includes(null) ? null : each[0]))?.agent;
}

/** A pattern or a folder may be any number of files. */
function isSmall({ files, length }: TaskFacts): boolean {
  return (
    length !== undefined &&
    length <= smallLengthLimit &&
    files.length > 0 &&
    files.length <= smallFilesLimit &&
    files.every((path) => !/[*?{]|\/$/.test(path))
  );
}
