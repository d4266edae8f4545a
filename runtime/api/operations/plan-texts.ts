/** Names and documents of plans, as programs send them. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../machines/vocabulary/ids.ts';

/** The plan name that is derived from a title. Throws `bad_request`. */
export function newPlanName(title: string): string {
  const name = planNameOf(title);
  if (name !== null) return name;
  throw new EngineError('bad_request', `"${title}" makes no name for a plan`, 'use letters, digits, ".", "_" and "-"');
}

/** The document of a new plan: the content, or without one a draft with that title and description. */
export function newDocument(
  title: string,
  { description = '', content = '' }: { readonly description?: unknown; readonly content?: unknown },
): string {
  const given = String(content);
  if (given.trim() !== '') return unescaped(given);
  return `# ${title}\n${description === '' ? '' : `\n${description}\n`}`;
}

/** Corrects a document of clients that send `\n` as two characters and no line break. */
export function unescaped(content: string): string {
  if (content.includes('\n') || !/\\[nr]/.test(content)) return content;
  try {
    return String(JSON.parse(`"${content.replaceAll(/(?<!\\)"/g, '\\"')}"`));
  } catch {
    return content; // a text that is not JSON is used unchanged
  }
}
