/** Turns a permission request of the Agent Client Protocol into a question to a person, and the answer into one of its options. Pure. */
import { cutWithNote, permissionDetailLimit, toolInputText } from '../../../../machines/vocabulary/permission-text.ts';
import { type JsonObject, listAt, objectAt, textAt } from '../reports/json-line.ts';

export interface PermissionText {
  readonly tool: string;
  readonly detail: string;
}

/** Title and kind; then its input, its diff, and the agent's own options. */
export function permissionText(params: JsonObject): PermissionText {
  const call = objectAt(params, 'toolCall') ?? {};
  const kind = textAt(call, 'kind');
  const title = textAt(call, 'title') ?? textAt(call, 'toolCallId') ?? 'something';
  const options = listAt(params, 'options').map(
    (option) => `${textAt(option, 'name') ?? textAt(option, 'optionId') ?? '?'} (${textAt(option, 'kind') ?? '?'})`,
  );
  const input = objectAt(call, 'rawInput');
  const parts = [
    input === null ? '' : toolInputText(input),
    ...listAt(call, 'content').map(contentText),
    options.length === 0 ? '' : `its own answers: ${options.join(', ')}`,
  ].filter((part) => part !== '');
  const tool = (kind === null ? title : `${kind}: ${title}`).slice(0, 256);
  return { tool: tool.toWellFormed(), detail: cutWithNote(parts.join('\n'), permissionDetailLimit) };
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
