/** Turns a permission request of the Agent Client Protocol into a question to a person, and the answer into one of its options. Pure. */
import { type JsonObject, listAt, objectAt, textAt } from '../reports/json-line.ts';

export interface PermissionText {
  readonly tool: string;
  readonly detail: string;
}

/** A longer text is cut, and the question states that. */
const detailLimit = 12_000;

/** Title and kind; then its input, its diff, and the agent's own options. */
export function permissionText(params: JsonObject): PermissionText {
  const call = objectAt(params, 'toolCall') ?? {};
  const kind = textAt(call, 'kind');
  const title = textAt(call, 'title') ?? textAt(call, 'toolCallId') ?? 'something';
  const options = listAt(params, 'options').map(
    (option) => `${textAt(option, 'name') ?? textAt(option, 'optionId') ?? '?'} (${textAt(option, 'kind') ?? '?'})`,
  );
  const parts = [
    inputText(objectAt(call, 'rawInput')),
    ...listAt(call, 'content').map(contentText),
    options.length === 0 ? '' : `its own answers: ${options.join(', ')}`,
  ].filter((part) => part !== '');
  const text = parts.join('\n');
  const more = text.length - detailLimit;
  const detail = more <= 0 ? text : `${text.slice(0, detailLimit)}\n… and ${more} more characters, which are not shown`;
  // A cut may leave half of a character, which the engine refuses.
  const tool = (kind === null ? title : `${kind}: ${title}`).slice(0, 256);
  return { tool: tool.toWellFormed(), detail: detail.toWellFormed() };
}

/** A shell command unchanged, anything else as JSON. */
function inputText(input: JsonObject | null): string {
  if (input === null) return '';
  const { command, ...rest } = input;
  if (typeof command !== 'string') return JSON.stringify(input, null, 2);
  return [command, ...(Object.keys(rest).length === 0 ? [] : [JSON.stringify(rest)])].join('\n');
}

function contentText(content: JsonObject): string {
  if (content.type !== 'diff') return textAt(content, 'content', 'text') ?? '';
  const lines = (key: string, sign: string) =>
    (textAt(content, key) ?? '').split('\n').map((line) => `${sign} ${line}`);
  return [textAt(content, 'path') ?? 'a file', ...lines('oldText', '-'), ...lines('newText', '+')].join('\n');
}

/** The option for "once"; null: the agent offers none. "Always" is never chosen for a person. */
export function optionFor(params: JsonObject, isAllowed: boolean): string | null {
  const kind = isAllowed ? 'allow_once' : 'reject_once';
  const option = listAt(params, 'options').find((each) => each.kind === kind);
  return option === undefined ? null : textAt(option, 'optionId');
}
