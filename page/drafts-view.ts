/** The drafts of several planners: each draft with its text, and a button that makes it the document of the plan. */
import { counted } from '../machines/vocabulary/numbers.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { panel } from './elements.ts';
import type { PlanActions, PlanModel } from './plan-model.ts';

export function draftsView(
  { plan, status, drafts }: PlanShow,
  { busy, at }: PlanModel,
  actions: PlanActions,
): View | null {
  if (drafts.length === 0) return null;
  const isOpen = at === null && status === 'planning' && actions.may('steer');
  return panel(
    { key: 'drafts', heading: 'drafts-title', title: `Drafts of ${plan}` },
    drafts.map(({ number, title, state, why, waves, tasks, content }) =>
      h(
        'details',
        { key: String(number), class: 'draft' },
        h(
          'summary',
          null,
          `${number} ${title}: ${state}`,
          h('span', { class: 'dim' }, content === null ? '' : ` ${counted(waves, 'wave')}, ${counted(tasks, 'task')}`),
        ),
        why === '' ? null : h('p', { class: 'dim' }, why),
        content === null ? null : h('pre', { class: 'log' }, content),
        isOpen && state === 'finished'
          ? h(
              'div',
              { class: 'commands' },
              h(
                'button',
                {
                  class: 'strong',
                  'data-draft': String(number),
                  disabled: busy !== null,
                  on: { click: () => actions.send('choose', { draft: number }, `Draft ${number} is chosen.`) },
                },
                `Choose draft ${number}`,
              ),
            )
          : null,
      ),
    ),
  );
}
