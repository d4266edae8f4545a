/** Text that a person types. A field keeps its text over other views and reloads of this tab until the text was accepted. */

import { ofTab, store, stored } from './browser-storage.ts';
import { h, type Props, type View } from './dom.ts';

/** The person whose texts are stored in this tab. */
const ownerName = 'texts-of';

/** Called before the first field is drawn: text of another person in this tab is deleted. */
export function keepTextsOf(person: string | null): void {
  const owner = { person };
  if (JSON.stringify(stored(ownerName, ofTab)) === JSON.stringify(owner)) return;
  for (const name of ofTab.names()) if (name.startsWith('stator.text ')) ofTab.set(name, null);
  store(ownerName, owner, ofTab);
}

interface FieldProps extends Props {
  /** The text before anything is typed. Default: none. */
  readonly initial?: string;
}

/** A field of a form. `about` names the purpose of its text, such as `answer demo/mail 2`: fields with the same `about` share their text. */
export function field(
  tag: 'input' | 'textarea',
  about: string,
  { initial = '', made, on, ...props }: FieldProps,
): View {
  const name = `text ${about}`;
  return h(tag, {
    key: about,
    ...props,
    'data-about': about,
    made(element) {
      const text = stored(name, ofTab);
      (element as HTMLTextAreaElement).value = typeof text === 'string' ? text : initial;
      made?.(element);
    },
    on: {
      ...on,
      input(event) {
        const { value } = event.target as HTMLTextAreaElement;
        store(name, value === initial ? null : value, ofTab);
        on?.input?.(event);
      },
    },
  });
}

/** The trimmed text of the field `name` in the form of the event; '': empty. */
export function fieldText({ currentTarget }: Event, name: string): string {
  const form = (currentTarget as HTMLElement).closest('form');
  const found = form?.elements.namedItem(name);
  return found instanceof HTMLTextAreaElement || found instanceof HTMLInputElement ? found.value.trim() : '';
}

/** Returns a function that empties the form's fields, except those that were edited since the event. Call it when the text was accepted. */
export function emptyWhenTaken({ currentTarget }: Event): () => void {
  const form = (currentTarget as HTMLElement).closest('form');
  const sent = [...(form?.elements ?? [])].flatMap((element) =>
    element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement
      ? [{ element, value: element.value }]
      : [],
  );
  return () => {
    for (const { element, value } of sent) {
      const { about } = element.dataset;
      if (element.value !== value || about === undefined) continue;
      store(`text ${about}`, null, ofTab);
      element.value = '';
    }
  };
}

/** Ctrl+Enter in a text area sends its form. */
export function sendOnEnter(event: Event): void {
  if (!(event instanceof KeyboardEvent) || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (event.target as HTMLTextAreaElement).form?.requestSubmit();
}
