/** What a person types. A field keeps it, over other views and reloads of this tab, until it was taken. */
import { h, type Props, type View } from './dom.ts';
import { keep, kept } from './kept.ts';

/** Whose texts this tab keeps. */
const ownerName = 'texts-of';

/** Before the first field is drawn: what another person has typed in this tab is forgotten. */
export function keepTextsOf(person: string | null): void {
  const owner = { person };
  if (JSON.stringify(kept(ownerName, sessionStorage)) === JSON.stringify(owner)) return;
  for (const name of Object.keys(sessionStorage)) if (name.startsWith('stator.text ')) sessionStorage.removeItem(name);
  keep(ownerName, owner, sessionStorage);
}

interface FieldProps extends Props {
  /** The text before anything is typed. Default: none. */
  readonly initial?: string;
}

/** A field of a form. `about` names what its text is for, such as `answer demo/mail 2`: fields of one name share a text, and no other field gets it. */
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
      const text = kept(name, sessionStorage);
      (element as HTMLTextAreaElement).value = typeof text === 'string' ? text : initial;
      made?.(element);
    },
    on: {
      ...on,
      input(event) {
        const { value } = event.target as HTMLTextAreaElement;
        keep(name, value === initial ? null : value, sessionStorage);
        on?.input?.(event);
      },
    },
  });
}

/** The words in the field `name` of the form in which something happened, without blanks around them; '': none. */
export function fieldText({ currentTarget }: Event, name: string): string {
  const form = (currentTarget as HTMLElement).closest('form');
  const found = form?.elements.namedItem(name);
  return found instanceof HTMLTextAreaElement || found instanceof HTMLInputElement ? found.value.trim() : '';
}

/** Called once what the form held at that event was taken: it empties the fields that nobody has typed into since. */
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
      keep(`text ${about}`, null, sessionStorage);
      element.value = '';
    }
  };
}

/** Ctrl+Enter sends the form of a field of several lines. */
export function sendOnEnter(event: Event): void {
  if (!(event instanceof KeyboardEvent) || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (event.target as HTMLTextAreaElement).form?.requestSubmit();
}
