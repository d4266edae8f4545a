/** A plan's waves and tasks, and every other agent that works for it. */
import { taskName, taskOfTitle } from '../machines/vocabulary/ids.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import { isFinal, isJudged } from '../machines/vocabulary/run-state.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';
import { type Child, h, memo, type View } from './dom.ts';
import { panel, stateOf, timesIn, timeText, timeView } from './elements.ts';
import { dollars } from './format.ts';
import { shortTitle } from './needs.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';
import { agentWords, taskWords } from './state-words.ts';

export function boardView(plan: PlanShow, model: PlanModel, actions: PlanActions, nowMs: number): View {
  const others = (model.at === null ? model.agents : []).filter(({ title }) => taskOfTitle(plan.plan, title) === null);
  // For a past state no agent is looked up: the agents that work now were not running then.
  const byTitle = new Map((model.at === null ? model.agents : []).map((agent) => [agent.title, agent]));
  return panel(
    {
      class: 'panel board',
      heading: 'board-title',
      title: 'Waves',
      count: `${plan.tasks_done} of ${counted(plan.tasks, 'task')}`,
    },
    h(
      'div',
      { class: 'waves' },
      plan.tasks_by_wave.map((wave) =>
        h(
          'section',
          { key: `wave-${wave.number}`, class: 'wave', 'aria-label': `Wave ${wave.number}` },
          h('h3', null, `Wave ${wave.number}`, stateOf(wave.status, waveWords[wave.status])),
          h(
            'div',
            { class: 'tasks' },
            wave.tasks.map((task) => {
              const title = `${plan.plan}-${taskName(wave.number, task.number)}`;
              return card(
                {
                  title,
                  number: String(task.number),
                  text: task.title,
                  state: task.status,
                  words: taskWords(task, { wave: wave.number, plan, agent: byTitle.get(title) }),
                  attempt: byTitle.get(title)?.attempt ?? task.attempts,
                  cost: task.usage.cost_usd,
                  why: task.why ?? '',
                },
                byTitle.get(title),
                model,
                actions,
                nowMs,
              );
            }),
          ),
        ),
      ),
      others.length === 0
        ? null
        : h(
            'section',
            { key: 'others', class: 'wave', 'aria-label': 'Other agents' },
            h('h3', null, 'Others'),
            h(
              'div',
              { class: 'tasks' },
              others.map((agent) =>
                card(
                  {
                    title: agent.title,
                    number: '',
                    text: shortTitle(agent.title, plan.plan),
                    state: agent.state,
                    words: agentWords(agent),
                    attempt: agent.attempt,
                    cost: agent.usage.cost_usd,
                    why: '',
                  },
                  agent,
                  model,
                  actions,
                  nowMs,
                ),
              ),
            ),
          ),
    ),
  );
}

const waveWords = { pending: 'not started', running: 'at work', failed: 'failed', done: 'done' } as const;

interface Card {
  readonly title: string;
  readonly number: string;
  readonly text: string;
  readonly state: string;
  readonly words: string;
  /** The attempt of the agent. A run that was only interrupted does not count. */
  readonly attempt: number;
  readonly cost: number | null;
  readonly why: string;
}

/** It is drawn again only when something in it has changed: a plan may have thousands of tasks. */
function card(of: Card, agent: InstanceEntry | undefined, model: PlanModel, actions: PlanActions, nowMs: number): View {
  const { title, number, text, state, words, attempt, cost, why } = of;
  const asks = model.plan?.questions.some((each) => each.title === title) === true;
  const live = agent !== undefined && !isFinal(agent) && !isJudged(agent);
  const isChosen = model.chosen?.title === title;
  const said = live ? (agent.last_line ?? '') : '';
  // How long it has worked, or when it ended.
  const at = (live ? agent.started_at : agent?.last_activity_at) ?? null;
  const form = live ? 'for' : 'ago';
  // The distance of a time in a sentence changes.
  const ticks = timesIn(`${words} ${why}`, nowMs).length > 1 ? nowMs : 0;
  const age = at === null ? '' : timeText(at, nowMs, form);

  function draw(): View {
    const time = at === null ? null : timeView(at, nowMs, form);
    const detail = [attempt > 1 ? `attempt ${attempt}` : null, time, cost === null ? null : dollars(cost)]
      .filter((part) => part !== null)
      .flatMap((part): Child[] => [' · ', part])
      .slice(1);
    return h(
      'button',
      {
        class: 'card',
        'data-task': title,
        'aria-pressed': String(isChosen),
        on: { click: () => actions.choose(title) },
      },
      h(
        'span',
        { class: 'card-title' },
        number === '' ? null : h('span', { class: 'dim' }, number),
        h('span', { class: 'clamped', title: text }, text),
      ),
      h(
        'span',
        { class: 'card-state' },
        stateOf(asks ? 'asks' : state, asks ? 'asks you' : timesIn(words, nowMs)),
        h('span', { class: 'dim' }, detail),
      ),
      h('span', { class: 'said' }, why !== '' ? timesIn(why, nowMs) : said),
    );
  }

  return memo(title, { of: actions, state: JSON.stringify([of, asks, isChosen, said, at, age, ticks]), draw });
}
