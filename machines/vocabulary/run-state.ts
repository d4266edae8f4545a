/** The states of an agent's run, as every surface names them. */

export const runStates = [
  'queued',
  'starting',
  'running',
  'waiting',
  'paused',
  'stopping',
  'backing_off',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type RunState = (typeof runStates)[number];

/** States of an agent that has a process, or is about to have or lose one, whatever it waits for. */
export const processStates: ReadonlySet<string> = new Set<RunState>(['starting', 'running', 'paused', 'stopping']);

/** Whether an agent has a process, or is about to have or lose one. An agent that waits for a permission has one; one that waits for a decision or a service has none. */
export function isLive({
  state,
  ended_at: endedAt,
}: {
  readonly state: string;
  readonly ended_at: number | null;
}): boolean {
  return processStates.has(state) || (state === 'waiting' && endedAt === null);
}

/** Whether its process has ended and its plan still decides on its work: commits, checks or merges it, or asks a person. Until then its state is `running`. */
export function isJudged({
  state,
  exit_code: code,
}: {
  readonly state: string;
  readonly exit_code: number | null;
}): boolean {
  return state === 'running' && code !== null;
}

/** What surfaces say of such an agent. */
export const judgedText = 'ended, its work is not taken yet';

/** Whether it waits to be started: for a slot, or for its next attempt. One that waits for a person or a service is not in the way of others. */
export function isQueued({ state }: { readonly state: string }): boolean {
  return state === 'queued' || state === 'backing_off';
}

/** The states in which an agent has nothing more to do. */
export const finalStates: readonly string[] = ['succeeded', 'failed', 'cancelled'] satisfies RunState[];

/** Whether it has ended for good: its agent has nothing more to do. */
export function isFinal({ state }: { readonly state: string }): boolean {
  return finalStates.includes(state);
}

/** Whether the run itself failed. One that was interrupted or asked a question did not: its work goes on in the next run. */
export function isFailure({ state, reason }: { readonly state: string; readonly reason: string | null }): boolean {
  return state === 'failed' && reason !== null && reason !== 'needs_decision';
}
