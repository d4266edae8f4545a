/** The form in which a plan's document is written and checked, before it is registered or takes the place of another. */
import { counted } from '../machines/vocabulary/numbers.ts';
import type { DocumentCheck } from '../runtime/api/contract/plans.ts';
import { type Child, h, type View } from './dom.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';

/** The results for the text that is being written. */
export interface Writing {
  /** The text when it was last checked. */
  readonly content: string;
  /** The result of the check; null: the text was not checked since its last edit. */
  readonly check: DocumentCheck | null;
  readonly isBusy: boolean;
}

export interface DocumentForm {
  /** The key of the text: it is stored under this key until it is registered or saved. */
  readonly about: string;
  /** The field above the text, if there is one. */
  readonly name?: View;
  /** The label of the button that saves it. */
  readonly keep: string;
  check(content: string): void;
  /** `taken`: called when it is done. */
  submit(form: HTMLFormElement, content: string, taken: () => void): void;
  /** Called when the text changes, so that findings in an earlier text are not shown for this one. */
  edited(): void;
  cancel?(): void;
}

export function documentForm({ content, check, isBusy }: Writing, form: DocumentForm): View {
  const submit = (event: Event) => {
    event.preventDefault();
    form.submit(event.currentTarget as HTMLFormElement, textOf(event), emptyWhenTaken(event));
  };
  const cancel = (event: Event) => {
    emptyWhenTaken(event)();
    form.cancel?.();
  };
  return h(
    'form',
    { class: 'document-form', on: { submit } },
    form.name,
    field('textarea', form.about, {
      name: 'content',
      initial: content,
      rows: '18',
      class: 'mono',
      spellcheck: 'false',
      'aria-label': 'The document',
      required: true,
      on: { input: form.edited },
    }),
    h(
      'div',
      { class: 'commands' },
      h(
        'button',
        { type: 'button', disabled: isBusy, on: { click: (event: Event) => form.check(textOf(event)) } },
        'Check',
      ),
      h('button', { class: 'strong', type: 'submit', disabled: isBusy || check?.ok === false }, form.keep),
      form.cancel === undefined
        ? null
        : h('button', { class: 'quiet', type: 'button', on: { click: cancel } }, 'cancel'),
    ),
    h('div', { role: 'status', class: 'found' }, check === null ? null : foundView(check)),
  );
}

function textOf(event: Event): string {
  return fieldText(event, 'content');
}

function foundView({ ok, waves, problems }: DocumentCheck): Child {
  if (!ok)
    return h(
      'ul',
      { class: 'problems' },
      problems.map(({ line, message }) =>
        h('li', { key: `${line} ${message}` }, h('b', null, `line ${line}`), message),
      ),
    );
  const tasks = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
  return h('p', null, `${counted(waves.length, 'wave')}, ${counted(tasks, 'task')}, no problems.`);
}
