/** What a person has typed. Fields keep it: nothing is written over them. */

/** The words in the field `name` of the form in which something happened, without blanks around them; '': none. */
export function fieldText({ currentTarget }: Event, name: string): string {
  const form = (currentTarget as HTMLElement).closest('form');
  const field = form?.elements.namedItem(name);
  return field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement ? field.value.trim() : '';
}

/** Ctrl+Enter sends the form of a field of several lines. */
export function sendOnEnter(event: Event): void {
  if (!(event instanceof KeyboardEvent) || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  (event.target as HTMLTextAreaElement).form?.requestSubmit();
}
