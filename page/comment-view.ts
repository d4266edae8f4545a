/** A comment on a line of a change: as it is written, and as it is shown until it is sent. */
import { h, type View } from './dom.ts';
import { fieldText, sendOnEnter } from './form.ts';
import { literal } from './format.ts';
import type { Comment, Place, PlanActions } from './plan-model.ts';

export function keyOf({ path, line, side }: Place): string {
  return `${path}:${line}:${side}`;
}

/** `line 3 of before of a.txt`: of what is gone. */
export function placeText({ path, line, side }: Omit<Place, 'quoted'>): string {
  return `line ${line}${side === 'before' ? ' of before' : ''} of ${literal(path)}`;
}

export function commentView(comment: Comment, actions: PlanActions): View {
  return h(
    'div',
    { key: `said ${keyOf(comment)}`, class: 'comment' },
    h('p', { class: 'words' }, comment.text),
    h('button', { class: 'quiet', type: 'button', on: { click: () => actions.draftAt(comment) } }, 'edit'),
    removal(comment, actions),
  );
}

export function removal(comment: Comment, actions: PlanActions): View {
  return h(
    'button',
    {
      class: 'quiet',
      type: 'button',
      'aria-label': `Remove what you say of ${placeText(comment)}`,
      on: { click: () => actions.comment(comment, '') },
    },
    'remove',
  );
}

export function draftView(draft: Comment, actions: PlanActions): View {
  const save = (event: Event) => {
    event.preventDefault();
    actions.comment(draft, fieldText(event, 'comment'));
  };
  return h(
    'form',
    { key: `draft ${keyOf(draft)}`, class: 'comment', on: { submit: save } },
    h('textarea', {
      name: 'comment',
      rows: '3',
      'aria-label': `Your comment on ${placeText(draft)}`,
      placeholder: 'What should be different here?',
      made: (element) => {
        (element as HTMLTextAreaElement).value = draft.text;
        element.focus();
      },
      on: {
        input: (event) => actions.drafted((event.target as HTMLTextAreaElement).value),
        keydown: (event) => {
          if ((event as KeyboardEvent).key === 'Escape') actions.draftAt(null);
          else sendOnEnter(event);
        },
      },
    }),
    h(
      'div',
      { class: 'commands' },
      h('button', { class: 'strong', type: 'submit' }, 'Keep'),
      h('button', { class: 'quiet', type: 'button', on: { click: () => actions.draftAt(null) } }, 'cancel'),
      h('span', { class: 'dim' }, 'Ctrl+Enter'),
    ),
  );
}
