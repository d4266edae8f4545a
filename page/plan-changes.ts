/** A plan's changes, file by file, with a person's comments on lines. */
import { taskName } from '../machines/vocabulary/ids.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import type { PlanShow } from '../runtime/api/contract/plans.ts';
import { isViewed } from './changes.ts';
import { keyOf, linesText, outcomeText, removal, threadView } from './comment-view.ts';
import { recipientsOf } from './comments.ts';
import { h, type View } from './dom.ts';
import { exactTime, panel, timeText } from './elements.ts';
import { fileView, foldedOf, sizeOf, stateWords } from './file-view.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';
import { literal } from './format.ts';
import { journalAt, type PlanActions, type PlanModel } from './plan-model.ts';
import { verdicts } from './state-words.ts';

/** The number of reviews that a person can choose as the start of the changes, the newest first. */
const reviewsShown = 10;

export function changesView(plan: PlanShow, model: PlanModel, actions: PlanActions): View {
  const { list, nothing } = model.changes;
  return h(
    'div',
    { key: 'changes', class: 'changes' },
    h(
      'div',
      { class: 'panel changes-head' },
      ofWhat(plan, model, actions),
      sums(model),
      list === null ? null : layouts(model, actions),
    ),
    model.changes.comments.length === 0 ? null : reviewView(model, actions),
    threadsView(model, actions),
    nothing !== null
      ? h('p', { class: 'nothing' }, nothing)
      : list === null
        ? h('p', { class: 'boot' }, '…')
        : filesView(model, actions),
  );
}

/** The same beside the log of an agent, without room for two columns. */
export function agentChangesView(model: PlanModel, actions: PlanActions): View {
  const changes = { ...model.changes, isSideBySide: false };
  const { list, nothing, comments } = changes;
  return h(
    'div',
    { key: 'diff', class: 'changes', role: 'region', 'aria-label': 'Changes' },
    comments.length === 0 ? null : reviewView(model, actions),
    nothing !== null
      ? h('p', { class: 'nothing' }, nothing)
      : list === null
        ? h('p', { class: 'boot' }, '…')
        : [h('p', { key: 'sums', class: 'source' }, sums(model)), filesView({ ...model, changes }, actions)],
  );
}

function ofWhat(plan: PlanShow, model: PlanModel, actions: PlanActions): View {
  const { task, since } = model.changes;
  const begun = plan.tasks_by_wave.flatMap((wave) =>
    wave.tasks
      .filter(({ attempts }) => attempts > 0)
      .map(({ number, title }) => ({ name: taskName(wave.number, number), title })),
  );
  const show = (event: Event) => {
    const { value } = event.target as HTMLSelectElement;
    const isLine = /^\d+$/.test(value);
    actions.showChanges({ task: isLine || value === '' ? null : value, since: isLine ? Number(value) : null });
  };
  return h(
    'select',
    { 'aria-label': 'Whose changes', value: String(since ?? task ?? ''), on: { change: show } },
    h('option', { value: '' }, 'the whole plan'),
    asked(model).map(({ seq, at, origin }) =>
      h(
        'option',
        { key: String(seq), value: String(seq), title: exactTime(at) },
        `since ${whose(origin)} asked for changes, ${timeText(at, Date.now())}`,
      ),
    ),
    begun.map(({ name, title }) => h('option', { key: name, value: name }, `${name} ${title}`)),
  );
}

/** The reviews that asked for fixes. */
function asked(model: PlanModel): PlanModel['journal'] {
  return journalAt(model)
    .filter(({ actor, event, refused }) => actor === '' && refused === null && verdicts[event]?.[0] === 'asks')
    .slice(-reviewsShown)
    .toReversed();
}

function whose(origin: string): string {
  const [kind, name] = origin.split(':');
  return kind === 'person' ? (name ?? 'a person') : 'the review';
}

function sums({ changes: { list, at } }: PlanModel): View | null {
  if (list === null) return null;
  const { files, insertions, deletions } = list.total;
  const then = at === null ? '' : '; as of then';
  return h('span', { class: 'dim' }, `${counted(files, 'file')}, +${insertions} −${deletions}${then}`);
}

function layouts({ changes: { isSideBySide } }: PlanModel, actions: PlanActions): View {
  const button = (text: string, isOn: boolean) =>
    h('button', { 'aria-pressed': String(isSideBySide === isOn), on: { click: () => actions.sideBySide(isOn) } }, text);
  return h('div', { class: 'segments layouts' }, button('Unified', false), button('Side by side', true));
}

/** The person's comments, and the agents that would receive them. */
function reviewView(model: PlanModel, actions: PlanActions): View {
  const { comments } = model.changes;
  const recipients = recipientsOf(model, actions.may);
  const send = (event: Event) => {
    event.preventDefault();
    const chosen = (event.currentTarget as HTMLFormElement).elements.namedItem('recipient');
    const index = chosen instanceof HTMLSelectElement ? Number(chosen.value) : 0;
    const recipient = recipients[index];
    if (recipient !== undefined) {
      actions.sendComments(recipient, fieldText(event, 'words'), emptyWhenTaken(event));
    }
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
            h(
              'button',
              { class: 'quiet', type: 'button', on: { click: () => actions.goToFile(comment.path) } },
              linesText(comment),
            ),
            h('span', null, comment.text, comment.suggestion === null ? '' : ' (with other lines)'),
            removal(comment, actions),
          ),
        ),
      ),
      ...(recipients.length === 0
        ? [
            h(
              'p',
              { class: 'dim' },
              'Nobody takes them from you now: they are kept here until an agent or a review does.',
            ),
          ]
        : [
            field('textarea', `comments ${model.named.project}/${model.named.plan}`, {
              name: 'words',
              rows: '2',
              'aria-label': 'In general',
              placeholder: 'In general (optional)',
            }),
            h(
              'div',
              { class: 'commands' },
              h(
                'button',
                { class: 'strong', type: 'submit', disabled: model.busy !== null },
                comments.length === 1 ? 'Send it to' : `Send all ${comments.length} to`,
              ),
              h(
                'select',
                { name: 'recipient', 'aria-label': 'Who gets the comments' },
                recipients.map(({ name }, index) => h('option', { key: name + index, value: String(index) }, name)),
              ),
            ),
          ]),
    ),
  );
}

/** All sent comments, the newest first. A comment on unchanged lines is shown below these lines too. */
function threadsView({ changes: { threads } }: PlanModel, actions: PlanActions): View | null {
  if (threads.length === 0) return null;
  const open = threads.filter(({ answers }) => answers.length === 0).length;
  return panel(
    {
      key: 'threads',
      class: 'panel threads',
      heading: 'threads-title',
      title: 'Comments that were sent',
      count: open === 0 ? threads.length : `${threads.length}, ${open} without an answer`,
    },
    h(
      'ul',
      null,
      threads
        .toReversed()
        .map((thread) =>
          h(
            'li',
            { key: thread.id },
            h(
              'details',
              null,
              h(
                'summary',
                null,
                h('span', { class: 'mono' }, linesText(thread)),
                ` ${thread.text.split('\n')[0] || 'other lines are suggested'}`,
                h('span', { class: 'dim' }, ` → ${thread.answers.at(-1)?.text ?? outcomeText(thread)}`),
              ),
              threadView(thread),
              h('button', { class: 'quiet', on: { click: () => actions.goToFile(thread.path) } }, 'go to the file'),
            ),
          ),
        ),
    ),
  );
}

function filesView(model: PlanModel, actions: PlanActions): View {
  const { list } = model.changes;
  if (list === null || list.total.files === 0) return h('p', { class: 'nothing' }, 'Nothing has been changed yet.');
  return h(
    'div',
    { class: 'files' },
    list.files.length === 1 ? null : fileList(model, actions),
    list.files.map((file) => fileView(file, model, actions)),
    list.next === null
      ? null
      : h(
          'button',
          { key: 'more', on: { click: actions.moreFiles } },
          `Show files from ${list.next + 1} of ${list.total.files} on`,
        ),
  );
}

function fileList({ changes }: PlanModel, actions: PlanActions): View {
  const files = changes.list?.files ?? [];
  const viewed = files.filter((file) => isViewed(changes, file)).length;
  return panel(
    {
      key: 'files',
      class: 'panel file-list',
      heading: 'files-title',
      title: 'Files',
      count: viewed === 0 ? files.length : `${files.length}, ${viewed} viewed`,
    },
    h(
      'ul',
      null,
      files.map((file) => {
        const said = changes.comments.filter(({ path }) => path === file.path).length;
        const notes = [stateWords[file.state], foldedOf(file), isViewed(changes, file) ? 'viewed' : ''];
        return h(
          'li',
          { key: file.path },
          h('button', { class: 'quiet', on: { click: () => actions.goToFile(file.path) } }, literal(file.path)),
          h('span', { class: 'count' }, sizeOf(file)),
          h('span', { class: 'dim' }, notes.filter((note) => note !== '').join(', ')),
          said === 0 ? null : h('span', { class: 'count' }, counted(said, 'comment')),
        );
      }),
    ),
  );
}
