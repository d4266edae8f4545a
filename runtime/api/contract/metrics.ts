/** The metrics of `GET /metrics`, in the order in which they are written. */

interface Metric {
  readonly type: 'gauge' | 'counter';
  /** One line. */
  readonly help: string;
  /** Their values are bounded: registered repositories, names of the configuration, and words of stator. No plan, no agent and no text of either. */
  readonly labels: readonly string[];
}

export const metrics = {
  stator_info: { type: 'gauge', help: 'Always 1, with the version of stator.', labels: ['version'] },
  stator_repos: { type: 'gauge', help: 'Registered repositories by state, as in repo list.', labels: ['state'] },
  stator_plans: { type: 'gauge', help: 'Plans by repository and status.', labels: ['project', 'status'] },
  stator_plans_waiting_for_person: {
    type: 'gauge',
    help: 'Plans that need a person: a question, a permission, a failure or a confirmation.',
    labels: ['project'],
  },
  stator_slots: { type: 'gauge', help: 'Slots of each lane.', labels: ['lane'] },
  stator_slots_used: { type: 'gauge', help: 'Slots in use.', labels: ['lane'] },
  stator_effects_queued: {
    type: 'gauge',
    help: 'Work that waits for a slot or for its next try, by lane.',
    labels: ['lane'],
  },
  stator_queue_agents: {
    type: 'gauge',
    help: 'Agents of the queue: pending without a slot, notified with one, held by a pause (counted as pending too).',
    labels: ['state'],
  },
  stator_queue_oldest_seconds: {
    type: 'gauge',
    help: 'How long the longest waiting agent has waited for its first slot, agents that are paused left out; 0 if none waits.',
    labels: [],
  },
  stator_queue_paused: { type: 'gauge', help: '1 while the whole queue is paused.', labels: [] },
  stator_signals: { type: 'gauge', help: 'Signals without a verdict: due, or held by their plan.', labels: ['state'] },
  stator_signal_oldest_seconds: {
    type: 'gauge',
    help: 'For how long the oldest due signal has been due; 0 if none is due.',
    labels: [],
  },
  stator_signal_latency_seconds: {
    type: 'gauge',
    help: 'From the arrival of a signal to its verdict: of the newest 1000 signals, those with a verdict in the last 5 minutes. Missing if there is none.',
    labels: ['quantile'],
  },
  stator_runs_total: {
    type: 'counter',
    help: 'Runs of agents that came to their end since the engine began, by their state and the reason why a run did not count; reason is empty if there is none.',
    labels: ['project', 'preset', 'state', 'reason'],
  },
  stator_tokens_total: {
    type: 'counter',
    help: 'Tokens of these runs, as far as their programs report them: input or output.',
    labels: ['project', 'preset', 'direction'],
  },
  stator_cost_usd_total: {
    type: 'counter',
    help: 'Cost of these runs in US dollars, as far as their programs report it.',
    labels: ['project', 'preset'],
  },
  stator_forge_up: {
    type: 'gauge',
    help: '1 if the forge of the repository answered the last request, 0 if not.',
    labels: ['project'],
  },
  stator_accounts_limited: {
    type: 'gauge',
    help: 'Accounts that take no new agents now: rate limited, or only their reserve is left.',
    labels: [],
  },
  stator_services_failing: {
    type: 'gauge',
    help: 'Services of the engine that fail again and again; status names them.',
    labels: [],
  },
  stator_store_writable: { type: 'gauge', help: '0 while the store accepts no writes.', labels: [] },
  stator_store_bytes: { type: 'gauge', help: 'Size of the store.', labels: [] },
  stator_store_free_bytes: { type: 'gauge', help: 'Unused part of the store.', labels: [] },
  stator_event_loop_delay_seconds: {
    type: 'gauge',
    help: 'How late the event loop was since the last request for metrics. Missing in the first answer.',
    labels: ['quantile'],
  },
  process_start_time_seconds: { type: 'gauge', help: 'Start of the process, as Unix time.', labels: [] },
  process_cpu_seconds_total: { type: 'counter', help: 'Processor time of the process.', labels: [] },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory of the process.', labels: [] },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof metrics;
