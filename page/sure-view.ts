/** A confirmation: its effect first, and the answer that changes nothing has the focus. */
import type { Sure } from './acts.ts';
import { h, type View } from './dom.ts';
import { glyph } from './elements.ts';
import { words } from './format.ts';

const questions: Readonly<Record<string, string>> = {
  cancel: 'Cancel it?',
  pause: 'Pause it?',
  merge: 'Merge it?',
  create_pr: 'Make a pull request?',
  retry_wave: 'Run again what failed?',
  advance_wave: 'Go on without what failed?',
  reopen: 'Reopen it?',
  start_over: 'Start over?',
  implement_start: 'Implement it?',
  plan_start: 'Have it planned?',
  request_review: 'Ask for a review?',
  review_approved: 'Approve it?',
  review_changes_requested: 'Ask for changes?',
};

export function sureView({ named, type, says }: Sure, answer: (isYes: boolean) => void): View {
  const question = questions[type] ?? `${words(type)}?`;
  const leave = (event: Event) => {
    if (event instanceof KeyboardEvent && event.key === 'Escape') answer(false);
  };
  return h(
    'section',
    {
      class: 'panel question sure',
      role: 'alertdialog',
      'aria-labelledby': 'sure-title',
      'aria-describedby': 'sure-says',
      on: { keydown: leave },
    },
    h('h2', { id: 'sure-title' }, glyph('asks'), question, h('span', { class: 'count' }, named.plan)),
    h(
      'ul',
      { id: 'sure-says' },
      says.map((line) => h('li', { key: line }, line)),
    ),
    h(
      'div',
      { class: 'commands' },
      h('button', { class: 'quiet', made: (element) => element.focus(), on: { click: () => answer(false) } }, 'No'),
      h(
        'button',
        { 'data-sure': type, on: { click: () => answer(true) } },
        `Yes, ${question.charAt(0).toLowerCase()}${question.slice(1, -1)}`,
      ),
    ),
  );
}
