/** A comment on lines of a change: as it is written, as it is shown until it is sent, and with its answers afterwards. */
import { h, type View } from './dom.ts';
import { timeView } from './elements.ts';
import { fieldText, sendOnEnter } from './form.ts';
import { literal } from './format.ts';
import type { Comment, Place, PlanActions, Thread } from './plan-model.ts';

export function keyOf({ path, line, side }: Place): string {
  return `${path}:${line}:${side}`;
}

/** `line 3 of a.txt`, or `removed line 3 of a.txt`. */
export function placeText({ path, line, side }: Omit<Place, 'quoted'>): string {
  return `${side === 'before' ? 'removed ' : ''}line ${line} of ${literal(path)}`;
}

/** `a.txt:3-5`. */
export function linesText({ path, line, end }: Pick<Comment, 'path' | 'line' | 'end'>): string {
  return `${literal(path)}:${line}${end > line ? `-${end}` : ''}`;
}

export function commentView(comment: Comment, actions: PlanActions): View {
  return h(
    'div',
    { key: `said ${keyOf(comment)}`, class: 'comment' },
    comment.text === '' ? null : h('p', { class: 'words' }, comment.text),
    suggestionView(comment),
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
      on: { click: () => actions.comment(comment, null) },
    },
    'remove',
  );
}

/** The present lines, and the suggested lines. */
function suggestionView({ quoted, suggestion }: Pick<Comment, 'quoted' | 'suggestion'>): View | null {
  if (suggestion === null) return null;
  const rows = (text: string, sign: '+' | '-') => text.split('\n').map((row) => `${sign}${row}`);
  const removed = rows(quoted, '-').map((row) => h('div', { class: 'code removed' }, h('code', null, row)));
  const added = suggestion === '' ? [] : rows(suggestion, '+');
  return h(
    'div',
    { class: 'suggestion', role: 'group', 'aria-label': 'Suggested lines' },
    removed,
    added.map((row) => h('div', { class: 'code added' }, h('code', null, row))),
  );
}

/** A comment that was sent, and its outcome. */
export function threadView(thread: Thread): View {
  const { id, at, by, title, text, answers } = thread;
  const whose = by.slice('person:'.length) || 'a person';
  return h(
    'div',
    {
      key: `thread ${id}`,
      class: 'comment thread',
      role: 'group',
      'aria-label': `Comment ${id} on ${placeText(thread)}`,
    },
    h('p', { class: 'dim' }, `${whose}, to ${title ?? 'the fixer'}, `, timeView(at, Date.now())),
    text === '' ? null : h('p', { class: 'words' }, text),
    suggestionView(thread),
    answers.map((answer) =>
      h(
        'p',
        { key: answer.commit, class: 'words answer' },
        h('code', { title: answer.subject }, answer.commit.slice(0, 10)),
        ` ${answer.text}`,
      ),
    ),
    h('p', { class: 'dim' }, outcomeText(thread)),
  );
}

/** The facts beside the answers, as a sentence. */
export function outcomeText({ answers, applied, changed_in: changed }: Thread): string {
  const suggested = applied === null ? '' : applied ? 'Applied exactly as suggested. ' : 'Not applied as suggested. ';
  if (answers.length > 0) return suggested.trim();
  if (changed === null) return `${suggested}No commit has changed this file since.`;
  return `${suggested}No commit names this comment. The first that changed the file since: ${changed.commit.slice(0, 10)} ${changed.subject}`;
}

/** `last`: the last line that follows the first without a gap. */
export function draftView(draft: Comment, last: number, actions: PlanActions): View {
  const { suggestion } = draft;
  const save = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const field = form.elements.namedItem('suggestion');
    const text = fieldText(event, 'comment');
    const own = field instanceof HTMLTextAreaElement ? field.value : null;
    const back = lineOf(event, draft);
    actions.comment(draft, text === '' && own === null ? null : { text, suggestion: own });
    back?.focus();
  };
  const drop = (event: Event) => {
    const back = lineOf(event, draft);
    actions.draftAt(null);
    back?.focus();
  };
  const keys = (event: Event) => {
    if ((event as KeyboardEvent).key === 'Escape') drop(event);
    else sendOnEnter(event);
  };
  const typedIn = (event: Event) => (event.target as HTMLTextAreaElement).value;
  return h(
    'form',
    { key: `draft ${keyOf(draft)}`, class: 'comment', on: { submit: save } },
    h('textarea', {
      name: 'comment',
      rows: '3',
      'aria-label': `Your comment on ${placeText(draft)}`,
      placeholder: suggestion === null ? 'What should be different here?' : 'Why? (optional)',
      made: (element) => {
        (element as HTMLTextAreaElement).value = draft.text;
        element.focus();
      },
      on: { input: (event) => actions.drafted({ text: typedIn(event) }), keydown: keys },
    }),
    suggestion === null ? null : suggestionForm(draft, last, { actions, keys, typedIn }),
    h(
      'div',
      { class: 'commands' },
      h('button', { class: 'strong', type: 'submit' }, 'Keep'),
      draft.side === 'before'
        ? null
        : h(
            'button',
            {
              type: 'button',
              'aria-pressed': String(suggestion !== null),
              on: { click: () => actions.suggest(suggestion === null ? draft.end : null) },
            },
            'Suggest other lines',
          ),
      h('button', { class: 'quiet', type: 'button', on: { click: drop } }, 'cancel'),
      h('span', { class: 'dim keys' }, 'Ctrl+Enter'),
    ),
  );
}

/**
 * The button with the number of the commented line. It gets the focus when the form is removed; otherwise the browser would move the focus to the top
 * of the page.
 */
function lineOf({ currentTarget }: Event, draft: Comment): HTMLElement | undefined {
  const numbers = (currentTarget as HTMLElement).closest('.lines')?.querySelectorAll<HTMLElement>('button.at') ?? [];
  return [...numbers].find((each) => each.getAttribute('aria-label') === `Comment on ${placeText(draft)}`);
}

interface SuggestionParts {
  readonly actions: PlanActions;
  keys(event: Event): void;
  typedIn(event: Event): string;
}

function suggestionForm(draft: Comment, last: number, { actions, keys, typedIn }: SuggestionParts): View {
  const { line, end, suggestion } = draft;
  return h(
    'div',
    { class: 'suggest' },
    h(
      'label',
      null,
      `In place of lines ${line} to `,
      h('input', {
        type: 'number',
        value: String(end),
        min: String(line),
        max: String(Math.max(end, last)),
        'aria-label': 'The last line to replace',
        on: { change: (event) => actions.suggest(Math.max(line, Number(typedIn(event)))) },
      }),
      ' put exactly this (empty: delete them):',
    ),
    h('textarea', {
      key: `lines to ${end}`,
      name: 'suggestion',
      class: 'mono',
      rows: String(Math.min(12, end - line + 2)),
      spellcheck: 'false',
      'aria-label': 'The lines that you suggest',
      made: (element) => {
        (element as HTMLTextAreaElement).value = suggestion ?? '';
      },
      on: { input: (event) => actions.drafted({ suggestion: typedIn(event) }), keydown: keys },
    }),
  );
}
