/** What a plan has changed, file by file, and a person's comments on its lines. */
import type { PlanDiff, PlanShow } from '../runtime/api/contract/plans.ts';
import { isAt, recipientsOf } from './comments.ts';
import { type DiffFile, type DiffLine, filesOf } from './diff.ts';
import { h, type View } from './dom.ts';
import { fieldText, sendOnEnter } from './form.ts';
import { counted, literal } from './format.ts';
import { panel } from './panel.ts';
import type { Comment, Place, PlanActions, PlanModel } from './plan-model.ts';
import { tokensOf } from './syntax.ts';

/** Lines of a change that are drawn; the whole is for a terminal. */
const linesMost = 3_000;

export function changesView(plan: PlanShow, model: PlanModel, actions: PlanActions): View {
  const { diff, nothing } = model.changes;
  return h(
    'div',
    { key: 'changes', class: 'changes' },
    h('div', { class: 'panel changes-head' }, ofWhat(plan, model, actions), sums(model)),
    model.changes.comments.length === 0 ? null : reviewView(model, actions),
    nothing !== null
      ? h('p', { class: 'nothing' }, nothing)
      : diff === null
        ? h('p', { class: 'boot' }, '…')
        : filesView(diff, model, actions),
  );
}

function ofWhat(plan: PlanShow, { changes }: PlanModel, actions: PlanActions): View {
  const begun = plan.tasks_by_wave.flatMap((wave) =>
    wave.tasks
      .filter(({ attempts }) => attempts > 0)
      .map(({ number, title }) => ({ name: `w${wave.number}-t${number}`, title })),
  );
  return h(
    'select',
    {
      'aria-label': 'Whose changes',
      value: changes.task ?? '',
      on: { change: (event) => actions.showChanges((event.target as HTMLSelectElement).value || null) },
    },
    h('option', { value: '' }, 'the whole plan'),
    begun.map(({ name, title }) => h('option', { key: name, value: name }, `${name} ${title}`)),
  );
}

function sums({ changes: { diff, at } }: PlanModel): View | null {
  if (diff === null) return null;
  const { total, files_left_out: left } = diff;
  const more = left > 0 ? `; ${counted(left, 'file')} not shown in full` : '';
  const then = at === null ? '' : '; as of then';
  return h(
    'span',
    { class: 'dim' },
    `${counted(total.files, 'file')}, +${total.insertions} −${total.deletions}${more}${then}`,
  );
}

/** What was written, and who gets it. */
function reviewView(model: PlanModel, actions: PlanActions): View {
  const { comments } = model.changes;
  const recipients = recipientsOf(model, actions.may);
  const send = (event: Event) => {
    event.preventDefault();
    const chosen = (event.currentTarget as HTMLFormElement).elements.namedItem('recipient');
    const index = chosen instanceof HTMLSelectElement ? Number(chosen.value) : 0;
    const recipient = recipients[index];
    if (recipient !== undefined) actions.sendComments(recipient);
  };
  return panel(
    {
      key: 'comments',
      class: 'panel question',
      heading: 'comments-title',
      title: 'Your comments',
      count: comments.length,
    },
    h(
      'form',
      { on: { submit: send } },
      h(
        'ol',
        { class: 'comments' },
        comments.map((comment) =>
          h(
            'li',
            { key: keyOf(comment) },
            h('code', null, `${comment.path}:${comment.line}`),
            h('span', null, comment.text),
            removal(comment, actions),
          ),
        ),
      ),
      recipients.length === 0
        ? h('p', { class: 'dim' }, 'Nobody takes them now: they are kept here until an agent or a review does.')
        : h(
            'div',
            { class: 'commands' },
            h('button', { class: 'strong', type: 'submit', disabled: model.busy !== null }, 'Send to'),
            h(
              'select',
              { name: 'recipient', 'aria-label': 'Who gets the comments' },
              recipients.map(({ name }, index) => h('option', { key: name + index, value: String(index) }, name)),
            ),
          ),
    ),
  );
}

function removal(comment: Comment, actions: PlanActions): View {
  return h(
    'button',
    {
      class: 'quiet',
      type: 'button',
      'aria-label': `Remove the comment on ${comment.path}, line ${comment.line}`,
      on: { click: () => actions.comment(comment, '') },
    },
    'remove',
  );
}

function keyOf({ path, line, side }: Place): string {
  return `${path}:${line}:${side}`;
}

const read = new WeakMap<PlanDiff, readonly DiffFile[]>();

function filesView(diff: PlanDiff, model: PlanModel, actions: PlanActions): View {
  if (diff.total.files === 0) return h('p', { class: 'nothing' }, 'Nothing has been changed yet.');
  const files = read.get(diff) ?? filesOf(literal(diff.diff));
  read.set(diff, files);
  let room = linesMost;
  return h(
    'div',
    { class: 'files' },
    files.map((file) => {
      const shown = file.lines.slice(0, room);
      room -= shown.length;
      return fileView(file, shown, model, actions);
    }),
  );
}

const made = new WeakMap<DiffFile, { comments: string; view: View }>();

function fileView(file: DiffFile, lines: readonly DiffLine[], model: PlanModel, actions: PlanActions): View {
  const { comments, draft } = model.changes;
  const own = comments.filter(({ path }) => path === file.path);
  // Thousands of lines are as they were.
  const isPast = model.at !== null;
  const state = JSON.stringify([own, draft?.path === file.path ? draft : null, lines.length, isPast]);
  const before = made.get(file);
  if (before?.comments === state) return before.view;
  const count = (kind: DiffLine['kind']) => file.lines.filter((line) => line.kind === kind).length;
  const view = h(
    'details',
    { key: file.path, class: 'panel file', open: true },
    h(
      'summary',
      null,
      h('b', null, file.path),
      h('span', { class: 'count' }, `+${count('added')} −${count('removed')}`),
      h('span', { class: 'dim' }, file.notes.join(', ')),
    ),
    h(
      'div',
      { class: 'lines', on: { keydown: walk }, role: 'group', 'aria-label': `Changes of ${file.path}` },
      lines.flatMap((line, index) => {
        const place = placeOf(file, line);
        const said = place === null ? undefined : own.find((each) => isAt(each, place));
        const isOpen = place !== null && draft !== null && isAt(draft, place);
        return [
          lineView(
            file,
            line,
            place,
            { isFirst: index === lines.findIndex(({ kind }) => kind !== 'hunk'), isPast },
            actions,
          ),
          isOpen ? draftView(place, said, actions) : said === undefined ? null : commentView(said, actions),
        ];
      }),
      lines.length < file.lines.length
        ? h('p', { class: 'dim more' }, `${file.lines.length - lines.length} more lines: stator plan diff`)
        : null,
    ),
  );
  made.set(file, { comments: state, view });
  return view;
}

function placeOf({ path }: DiffFile, { after, before, text }: DiffLine): Place | null {
  if (after !== null) return { path, line: after, side: 'after', quoted: text };
  return before === null ? null : { path, line: before, side: 'before', quoted: text };
}

const signs = { added: '+', removed: '-', same: ' ' } as const;

function lineView(
  { path }: DiffFile,
  { kind, text }: DiffLine,
  place: Place | null,
  { isFirst, isPast }: { isFirst: boolean; isPast: boolean },
  actions: PlanActions,
): View {
  if (kind === 'hunk' || place === null) return h('div', { class: 'code hunk' }, h('code', null, text));
  return h(
    'div',
    { class: `code ${kind}` },
    // A comment on a line is about its present state.
    isPast || !actions.may('answer')
      ? h('span', { class: 'at' }, String(place.line))
      : h(
          'button',
          {
            class: 'at',
            // One stop for each file: arrows go from line to line.
            tabindex: isFirst ? '0' : '-1',
            'aria-label': `Comment on line ${place.line}${place.side === 'before' ? ' of before' : ''} of ${path}`,
            on: { click: () => actions.draftAt(place) },
          },
          String(place.line),
        ),
    h(
      'code',
      null,
      signs[kind],
      tokensOf(text, path).map(({ kind: token, text: part }) =>
        token === 'plain' ? part : h('span', { class: `t-${token}` }, part),
      ),
    ),
  );
}

function commentView(comment: Comment, actions: PlanActions): View {
  return h(
    'div',
    { key: `said ${keyOf(comment)}`, class: 'comment' },
    h('p', { class: 'words' }, comment.text),
    h('button', { class: 'quiet', type: 'button', on: { click: () => actions.draftAt(comment) } }, 'edit'),
    removal(comment, actions),
  );
}

function draftView(place: Place, said: Comment | undefined, actions: PlanActions): View {
  const save = (event: Event) => {
    event.preventDefault();
    actions.comment(place, fieldText(event, 'comment'));
  };
  return h(
    'form',
    { key: `draft ${keyOf(place)}`, class: 'comment', on: { submit: save } },
    h('textarea', {
      name: 'comment',
      rows: '3',
      'aria-label': `Your comment on line ${place.line} of ${place.path}`,
      placeholder: 'What should be different here?',
      made: (element) => {
        (element as HTMLTextAreaElement).value = said?.text ?? '';
        element.focus();
      },
      on: {
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

/** Arrows go from line to line. */
function walk(event: Event): void {
  const { key, target, currentTarget } = event as KeyboardEvent;
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (step === undefined || !(target as HTMLElement).classList.contains('at')) return;
  const all = [...(currentTarget as HTMLElement).querySelectorAll<HTMLElement>('.at')];
  const next = all[all.indexOf(target as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
