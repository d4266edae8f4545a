/** An agent in the form of lists and boards. */
import { isLive } from '../../machines/vocabulary/run-state.ts';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';

/** A running agent; a test names the fields that matter. */
export function shownAgent(
  given: Pick<InstanceEntry, 'title' | 'project' | 'plan' | 'started_at' | 'usage'> & Partial<InstanceEntry>,
): InstanceEntry {
  return {
    role: 'coder',
    state: 'running',
    live: isLive({ state: given.state ?? 'running', ended_at: given.pid === null ? 0 : null }),
    run: 'r',
    pid: 1,
    attempt: 1,
    worktree: null,
    branch: 'b',
    last_activity_at: null,
    exit_code: null,
    exit_note: null,
    reason: null,
    waits_until: null,
    permissions: [],
    takes_input: false,
    takes_keys: false,
    log: null,
    last_line: null,
    work: null,
    preset: 'sh',
    id: `${given.project}/${given.title}`,
    active: true,
    loading: false,
    ready: false,
    paused: false,
    program: 'sh',
    created_at: given.started_at ?? '2026-01-01T00:00:00.000Z',
    task_number: 1,
    wave_number: 1,
    ...given,
  };
}
