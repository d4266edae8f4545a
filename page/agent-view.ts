/** One agent: its output, its changes, its messages; and the actions that it takes. */
import { reasonText } from '../machines/vocabulary/reason-text.ts';
import { isJudged } from '../machines/vocabulary/run-state.ts';
import type { InstanceEntry, RunLog } from '../runtime/api/contract/runs.ts';
import { type Child, h, type View } from './dom.ts';
import { panel, stateOf, timesIn, timeView } from './elements.ts';
import { fact, usageFacts } from './facts.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';
import { keepAtEnd } from './keep-at-end.ts';
import { shortTitle } from './needs.ts';
import { agentChangesView } from './plan-changes.ts';
import type { Chosen, PlanActions, PlanModel, Tab } from './plan-model.ts';
import { agentWords, mayReceiveMessages } from './state-words.ts';

const tabs: readonly (readonly [Tab, string])[] = [
  ['log', 'Log'],
  ['diff', 'Diff'],
  ['checks', 'Checks'],
  ['prompt', 'Prompt'],
];

export function agentView(chosen: Chosen, model: PlanModel, actions: PlanActions, nowMs: number): View {
  const agent = model.agents.find(({ title }) => title === chosen.title);
  return panel(
    {
      class: 'panel agent',
      heading: 'agent-title',
      title: [
        shortTitle(chosen.title, model.named.plan),
        agent === undefined ? null : stateOf(agent.state, timesIn(agentWords(agent), nowMs)),
      ],
      more: h(
        'button',
        { class: 'quiet close', 'aria-label': 'Close the agent', on: { click: actions.close } },
        'close',
      ),
    },
    agent === undefined ? null : about(agent, nowMs),
    agent === undefined || !actions.may('steer') ? null : orders(agent, model, actions),
    h(
      'div',
      { class: 'segments', role: 'group', 'aria-label': 'Which part of the agent' },
      tabs.map(([tab, text]) =>
        h(
          'button',
          { key: tab, 'aria-pressed': String(chosen.tab === tab), on: { click: () => actions.turnTo(tab) } },
          text,
        ),
      ),
    ),
    content(chosen, agent, model, actions),
  );
}

function about(agent: InstanceEntry, nowMs: number): View {
  return h(
    'dl',
    { class: 'facts' },
    fact('role', agent.role),
    fact('attempt', String(agent.attempt)),
    fact('program', agent.program),
    fact('started', agent.started_at === null ? '' : timeView(agent.started_at, nowMs)),
    fact('last heard', agent.last_activity_at === null ? '' : timeView(agent.last_activity_at, nowMs)),
    fact('exit', [agent.exit_code, agent.exit_note].filter((part) => part !== null).join(': ')),
    fact('reason', agent.reason === null ? '' : reasonText(agent.reason)),
    fact('goes on', agent.waits_until === null ? '' : timeView(agent.waits_until, nowMs, 'in')),
    ...usageFacts(agent.usage),
    fact('work', agent.work?.text ?? ''),
    fact('uses', agent.live ? (agent.work?.tool ?? '') : ''),
    fact('its plan', ownPlan(agent)),
    fact('branch', agent.branch),
  );
}

/** The list of steps that it wrote for itself. */
function ownPlan({ work }: InstanceEntry): Child {
  if (work === null || work.plan.length === 0) return '';
  return h(
    'ul',
    null,
    work.plan.map(({ text, state }) => h('li', { 'data-state': state }, `${state.replaceAll('_', ' ')}: ${text}`)),
  );
}

/** The messages that it takes, or why it takes none. */
function orders(agent: InstanceEntry, model: PlanModel, actions: PlanActions): Child[] {
  const { state, takes_input: takesInput } = agent;
  if (isJudged(agent) || !mayReceiveMessages(agent))
    return [h('p', { key: 'ended', class: 'nothing' }, 'It has ended: it reads nothing any more.')];
  return [
    commands(agent, model, actions),
    takesInput
      ? typing(agent, model, actions)
      : state === 'running'
        ? h(
            'p',
            { key: 'unheard', class: 'dim' },
            'It reads nothing while it works: a message waits for its next turn.',
          )
        : null,
  ];
}

const agentCommands: readonly (readonly [type: string, text: string, fits: RegExp])[] = [
  ['agent_pause', 'Pause', /^(?:starting|running|waiting)$/],
  ['agent_resume', 'Resume', /^paused$/],
  ['agent_restart', 'Restart', /^(?:starting|running|waiting|backing_off|paused)$/],
  ['agent_kill', 'Kill', /^(?:queued|starting|running|waiting|backing_off|paused)$/],
];

function commands({ title, state }: InstanceEntry, model: PlanModel, actions: PlanActions): View {
  const { busy } = model;
  const send = (event: Event) => {
    event.preventDefault();
    const body = fieldText(event, 'message');
    if (body === '') return;
    actions.send('agent_send', { title, body }, 'It reads that at its next turn.', emptyWhenTaken(event));
  };
  return h(
    'form',
    { key: 'commands', class: 'commands', on: { submit: send } },
    agentCommands.map(([type, text, fits]) =>
      fits.test(state)
        ? h(
            'button',
            {
              key: type,
              type: 'button',
              'data-signal': type,
              disabled: busy !== null,
              on: { click: () => actions.send(type, { title }, `${text}: ${title}.`) },
            },
            text,
          )
        : null,
    ),
    field('input', `message ${model.named.project}/${title}`, {
      name: 'message',
      placeholder: 'A message for its next turn',
      'aria-label': 'A message for its next turn',
    }),
    h('button', { type: 'submit', disabled: busy !== null }, 'Send'),
  );
}

/** The key, what its button shows, and its name: the name holds what is shown in letters. */
const keyButtons = [
  ['enter', 'Enter', 'Enter'],
  ['escape', 'Esc', 'Esc'],
  ['tab', 'Tab', 'Tab'],
  ['up', '↑', 'Up'],
  ['down', '↓', 'Down'],
  ['ctrl-c', 'Ctrl-C', 'Ctrl-C'],
  ['ctrl-d', 'Ctrl-D', 'Ctrl-D'],
] as const;

/** Text that is typed here goes to its terminal at once, or is read between two steps of its work; the log shows it then. */
function typing({ title, takes_keys: takesKeys }: InstanceEntry, model: PlanModel, actions: PlanActions): View {
  const { busy } = model;
  const what = takesKeys ? 'Type into its terminal' : 'Type to it while it works';
  const type = (event: Event) => {
    event.preventDefault();
    const { value } = (event.currentTarget as HTMLFormElement).elements.namedItem('typed') as HTMLInputElement;
    // An empty line is the Enter key, and only a terminal has keys.
    if (!takesKeys && value.trim() === '') return;
    actions.send('agent_type', { title, text: value }, `Typed to ${title}.`, emptyWhenTaken(event));
  };
  return h(
    'form',
    { key: 'terminal', class: 'commands terminal', on: { submit: type } },
    field('input', `typed ${model.named.project}/${title}`, {
      name: 'typed',
      autocomplete: 'off',
      placeholder: what,
      'aria-label': what,
    }),
    h('button', { type: 'submit', disabled: busy !== null }, 'Type'),
    (takesKeys ? keyButtons : []).map(([key, text, name]) =>
      h(
        'button',
        {
          key,
          type: 'button',
          class: 'quiet',
          'data-key': key,
          'aria-label': `Press ${name}`,
          disabled: busy !== null,
          on: { click: () => actions.send('agent_type', { title, key }, `Pressed ${name}: ${title}.`) },
        },
        text,
      ),
    ),
  );
}

function content(
  { tab, log, prompt, checks, nothing }: Chosen,
  agent: InstanceEntry | undefined,
  model: PlanModel,
  actions: PlanActions,
): View {
  if (nothing !== null) return h('p', { class: 'nothing' }, nothing);
  if (tab === 'log') return text('log', log === null ? '…' : log === '' ? emptyLog(agent) : log, 'Log');
  if (tab === 'prompt')
    return prompt === null
      ? text('prompt', '…', 'Prompt')
      : h(
          'div',
          { key: 'prompt' },
          h('p', { class: 'dim source' }, prompt.source),
          text('prompt', prompt.prompt, 'Prompt'),
        );
  if (tab === 'checks') return text('checks', checks === null ? '…' : checksText(checks), 'Checks');
  return agentChangesView(model, actions);
}

/** Each check of a run, with its output. */
function checksText(checks: readonly RunLog[]): string {
  if (checks.length === 0) return 'No check has judged it yet.';
  return checks
    .map(({ attempt, check, text: output }) => {
      const code = check?.exit_code ?? null;
      return `$ ${check?.command ?? 'check'}\n${output.trimEnd()}\nattempt ${attempt}: ${code === null ? 'not over' : code === 0 ? 'passed' : `failed with exit code ${code}`}`;
    })
    .join('\n\n');
}

function emptyLog(agent: InstanceEntry | undefined): string {
  return agent === undefined || agent.state === 'queued' ? 'It waits for a slot.' : 'It has said nothing yet.';
}

/** Stays at the end while the reader is at the end. */
function text(key: string, value: string, label: string): View {
  return h(
    'pre',
    {
      key,
      class: 'output',
      tabindex: '0',
      role: 'region',
      'aria-label': label,
      made: key === 'log' ? keepAtEnd : stays,
    },
    value,
  );
}

function stays(): void {}
