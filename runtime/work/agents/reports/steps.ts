/**
 * Turns lines of a program's output into steps of its work, in one form for all presets: its messages, its tools and their ends, its to-do list, the size of
 * its context. Pure, and each line by itself.
 */
import { sumOfKnown } from '../../../../machines/vocabulary/numbers.ts';
import { trimmedLines } from '../../../../machines/vocabulary/trimmed-lines.ts';
import { isTypedId } from '../relay/message-line.ts';
import { type JsonObject, listAt, numberAt, objectAt, textAt } from './json-line.ts';

export interface PlanEntry {
  readonly text: string;
  readonly state: 'pending' | 'in_progress' | 'completed';
}

export type Step =
  /** `isPiece`: its next text continues on the same line. */
  | { readonly step: 'said'; readonly text: string; readonly isPiece: boolean }
  /** Other events for people: it begins or ends, it got a message, it asks, an error occurred. */
  | { readonly step: 'line'; readonly text: string }
  /** A tool begins. `id` is the program's id of this call; null: its end will not be reported. */
  | { readonly step: 'tool'; readonly id: string | null; readonly text: string }
  /** `trouble`: why it failed; null: it did not. */
  | { readonly step: 'tool_end'; readonly id: string | null; readonly trouble: string | null }
  | { readonly step: 'plan'; readonly entries: readonly PlanEntry[] }
  /** Tokens of its conversation, and its model's limit; null: not in this line. */
  | { readonly step: 'context'; readonly used: number | null; readonly size: number | null }
  /** Its turn is over, and no tool is open any more. */
  | { readonly step: 'over' };

const nothing: readonly Step[] = [];
/** The most characters of a tool's arguments, and of an error. */
const shownLength = 200;

const said = (text: string | null): readonly Step[] =>
  text === null || text === '' ? nothing : [{ step: 'said', text, isPiece: false }];
const piece = (text: string | null): readonly Step[] =>
  text === null ? nothing : [{ step: 'said', text, isPiece: true }];
const line = (text: string): Step => ({ step: 'line', text });
const context = (used: number | null, size: number | null = null): Step => ({ step: 'context', used, size });

export function claudeSteps(event: JsonObject): readonly Step[] {
  switch (event.type) {
    case 'assistant':
      return listAt(event, 'message', 'content')
        .flatMap((part) => {
          if (part.type === 'text') return said(textAt(part, 'text'));
          return part.type === 'tool_use'
            ? tool(textAt(part, 'id'), textAt(part, 'name'), objectAt(part, 'input'))
            : [];
        })
        .concat(claudeContext(event));
    case 'user':
      return listAt(event, 'message', 'content').flatMap((part) => {
        if (part.type === 'tool_result') {
          const failed = part.is_error === true ? (textAt(part, 'content') ?? 'the tool failed') : null;
          return [toolEnd(textAt(part, 'tool_use_id'), failed)];
        }
        // Messages that the program repeats; also the prompt, which has another kind of id.
        return isTypedId(textAt(event, 'uuid')) ? typed(textAt(part, 'text')) : nothing;
      });
    case 'system':
      if (event.subtype === 'init')
        return [begun('claude', textAt(event, 'claude_code_version'), textAt(event, 'model'))];
      if (event.subtype !== 'api_retry') return nothing;
      return [
        trouble(
          `${textAt(event, 'error') ?? 'error'}: trying again, ${numberAt(event, 'attempt')} of ${numberAt(event, 'max_retries')}`,
        ),
      ];
    case 'result':
      return event.is_error === true
        ? [trouble(textAt(event, 'result') ?? textAt(event, 'subtype') ?? 'it ended with an error')]
        : [context(null, claudeSize(event)), ...ended(numberAt(event, 'num_turns'))];
    default:
      return nothing;
  }
}

export function codexSteps(event: JsonObject): readonly Step[] {
  const item = objectAt(event, 'item') ?? {};
  switch (event.type) {
    case 'item.started':
      return item.type === 'command_execution'
        ? [{ step: 'tool', id: textAt(item, 'id'), text: commandLine(textAt(item, 'command')) }]
        : nothing;
    case 'item.updated':
      return item.type === 'todo_list' ? codexItem(item) : nothing;
    case 'item.completed':
      return codexItem(item);
    case 'turn.failed':
      return [trouble(textAt(event, 'error', 'message') ?? 'the turn failed')];
    case 'turn.completed':
      return ended(null);
    default:
      return nothing; // the failed turn repeats an `error`
  }
}

function codexItem(item: JsonObject): readonly Step[] {
  switch (item.type) {
    case 'agent_message':
      return said(textAt(item, 'text'));
    case 'command_execution': {
      const code = numberAt(item, 'exit_code');
      return [toolEnd(textAt(item, 'id'), code === null || code === 0 ? null : `exit ${code}`)];
    }
    case 'file_change':
      return [
        line(
          oneLine(
            `edit ${listAt(item, 'changes')
              .map((change) => textAt(change, 'path'))
              .join(', ')}`,
          ),
        ),
      ];
    case 'todo_list':
      return plan(listAt(item, 'items'));
    case 'mcp_tool_call':
      return tool(null, textAt(item, 'tool'), objectAt(item, 'arguments'));
    case 'web_search':
      return [line(oneLine(`search ${textAt(item, 'query') ?? ''}`))];
    case 'error':
      return [trouble(textAt(item, 'message') ?? 'error')];
    default:
      return nothing;
  }
}

export function opencodeSteps(event: JsonObject): readonly Step[] {
  switch (event.type) {
    case 'text':
      return said(textAt(event, 'part', 'text'));
    case 'tool_use': {
      const failed = textAt(event, 'part', 'state', 'error');
      // It is reported when it has ended.
      const used = tool(null, textAt(event, 'part', 'tool'), objectAt(event, 'part', 'state', 'input'));
      return failed === null ? used : [...used, trouble(failed)];
    }
    case 'error':
      return [trouble(textAt(event, 'error', 'data', 'message') ?? textAt(event, 'error', 'name') ?? 'error')];
    case 'step_finish':
      return [
        ...opencodeContext(objectAt(event, 'part', 'tokens')),
        ...(textAt(event, 'part', 'reason') === 'stop' ? ended(null) : nothing),
      ];
    default:
      return nothing;
  }
}

export function geminiSteps(event: JsonObject): readonly Step[] {
  switch (event.type) {
    case 'init':
      return [begun('gemini', null, textAt(event, 'model'))];
    case 'message': {
      const content = event.role === 'assistant' ? textAt(event, 'content') : null;
      if (content === null) return nothing;
      return event.delta === true ? piece(content) : said(content);
    }
    case 'tool_use':
      return tool(textAt(event, 'tool_id'), textAt(event, 'tool_name'), objectAt(event, 'parameters'));
    case 'tool_result':
      return [
        toolEnd(
          textAt(event, 'tool_id'),
          event.status === 'error' ? (textAt(event, 'error', 'message') ?? 'the tool failed') : null,
        ),
      ];
    case 'error':
      return [trouble(textAt(event, 'message') ?? 'error')];
    case 'result':
      return event.status === 'error'
        ? [trouble(textAt(event, 'error', 'message') ?? 'it ended with an error')]
        : ended(null);
    default:
      return nothing;
  }
}

export function acpSteps(event: JsonObject): readonly Step[] {
  const words = objectAt(event, 'stator');
  if (words !== null) return ofRelay(words);
  const params = objectAt(event, 'params') ?? {};
  if (event.method === 'session/request_permission')
    return [line(oneLine(`? ${textAt(params, 'toolCall', 'title') ?? 'it asks for a permission'}`))];
  if (event.method === 'session/update') return acpStepsUpdate(objectAt(params, 'update') ?? {});
  const about = objectAt(event, 'result', 'agentInfo');
  if (about !== null) return [begun(textAt(about, 'name') ?? 'the agent', textAt(about, 'version'), null)];
  return textAt(event, 'result', 'stopReason') === 'end_turn' ? ended(null) : nothing;
}

/** The relay's decisions, which are not in the agent's own lines. */
function ofRelay(words: JsonObject): readonly Step[] {
  const problem = textAt(words, 'problem');
  if (problem !== null) return [trouble(problem)];
  const leftOut = numberAt(words, 'leftOut');
  if (leftOut !== null) return [trouble(`a line of ${leftOut} bytes is left out here`)];
  const lost = textAt(words, 'notTakenUp');
  if (lost !== null) return [trouble(`the conversation ${lost} could not be taken up by ${textAt(words, 'by')}`)];
  const answered = objectAt(words, 'answered');
  if (answered !== null) return [line(oneLine(`${textAt(answered, 'answer')}: ${textAt(answered, 'tool')}`))];
  return listAt(words, 'typed').flatMap((message) => typed(textAt(message, 'text')));
}

function acpStepsUpdate(update: JsonObject): readonly Step[] {
  switch (update.sessionUpdate) {
    case 'agent_message_chunk':
      return piece(textAt(update, 'content', 'text'));
    case 'tool_call':
      return [
        { step: 'tool', id: textAt(update, 'toolCallId'), text: acpTool(update) },
        ...listAt(update, 'content').flatMap(diffLine),
        ...acpToolEnd(update),
      ];
    case 'tool_call_update':
      return [...acpToolEnd(update), ...listAt(update, 'content').flatMap(diffLine)];
    case 'plan':
      return plan(listAt(update, 'entries'));
    case 'usage_update':
      return [context(numberAt(update, 'used'), numberAt(update, 'size'))];
    default:
      return nothing;
  }
}

function acpToolEnd(update: JsonObject): readonly Step[] {
  const { status } = update;
  if (status !== 'completed' && status !== 'failed') return nothing;
  const failed = status === 'failed' ? `${textAt(update, 'title') ?? 'the tool'} failed` : null;
  return [toolEnd(textAt(update, 'toolCallId'), failed)];
}

function acpTool(call: JsonObject): string {
  const input = objectAt(call, 'rawInput');
  const isCommand = input !== null && (textAt(input, 'command') ?? textAt(input, 'cmd')) !== null;
  return isCommand ? toolLine(null, input) : oneLine(textAt(call, 'title') ?? textAt(call, 'kind') ?? 'tool');
}

function diffLine(content: JsonObject): readonly Step[] {
  if (content.type !== 'diff') return nothing;
  const [before, after] = [textAt(content, 'oldText'), textAt(content, 'newText')];
  return [line(editLine(textAt(content, 'path') ?? 'a file', { before: before ?? '', after: after ?? '' }))];
}

/** `before` null: the earlier content is not known. */
function editLine(path: string, { before, after }: { readonly before: string | null; readonly after: string }): string {
  const count = (text: string) => text.split('\n').filter((each) => each !== '').length;
  const counts = before === null ? `${count(after)} lines` : `${count(before)} lines before, ${count(after)} after`;
  return oneLine(`edit ${path}: ${counts}`);
}

/** Its to-do list, in each program's form. */
function plan(entries: readonly JsonObject[]): readonly Step[] {
  const shown = entries.slice(0, planLimit).map((entry): PlanEntry => {
    const state = entry.status ?? (entry.completed === true ? 'completed' : 'pending');
    return {
      text: oneLine(textAt(entry, 'content') ?? textAt(entry, 'text') ?? textAt(entry, 'description') ?? ''),
      state: state === 'completed' || state === 'in_progress' ? state : 'pending',
    };
  });
  return [{ step: 'plan', entries: shown }];
}

/** The most entries: more than any agent writes. */
const planLimit = 50;
/** The tools with which programs write their to-do list. */
const planTools = /^(?:TodoWrite|todowrite|write_todos)$/;

/** A tool with its arguments; a file change is shown as lines, and a to-do list as a list. */
function tool(id: string | null, name: string | null, input: JsonObject | null): readonly Step[] {
  if (name !== null && planTools.test(name) && input !== null) return plan(listAt(input, 'todos'));
  return [{ step: 'tool', id, text: (input === null ? null : editOf(input)) ?? toolLine(name, input) }];
}

/** null: it changes no file that it names. */
function editOf(input: JsonObject): string | null {
  const path = textAt(input, 'file_path') ?? textAt(input, 'filePath');
  const before = textAt(input, 'old_string') ?? textAt(input, 'oldString');
  const after = textAt(input, 'new_string') ?? textAt(input, 'newString') ?? textAt(input, 'content');
  return path === null || after === null ? null : editLine(path, { before, after });
}

function toolEnd(id: string | null, failed: string | null): Step {
  return { step: 'tool_end', id, trouble: failed };
}

/** The tokens of its last request and answer. A subagent has another context. */
function claudeContext(event: JsonObject): readonly Step[] {
  const usage = objectAt(event, 'message', 'usage');
  if (usage === null || textAt(event, 'parent_tool_use_id') !== null) return nothing;
  const keys = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens', 'output_tokens'];
  return [context(sumOfKnown(keys.map((key) => numberAt(usage, key))))];
}

/** The largest context of its models: smaller models do side work. */
function claudeSize(event: JsonObject): number | null {
  const models = Object.values(objectAt(event, 'modelUsage') ?? {});
  const sizes = models.flatMap((model) => numberAt((model ?? {}) as JsonObject, 'contextWindow') ?? []); // a value that is no object has no such key
  return sizes.length === 0 ? null : Math.max(...sizes);
}

function opencodeContext(tokens: JsonObject | null): readonly Step[] {
  if (tokens === null) return nothing;
  const cache = objectAt(tokens, 'cache') ?? {};
  const own = ['input', 'output', 'reasoning'].map((key) => numberAt(tokens, key));
  return [context(sumOfKnown([...own, numberAt(cache, 'read'), numberAt(cache, 'write')]))];
}

/** The arguments that best describe a tool's work, the most informative first. */
const shownArguments = [
  'command',
  'cmd',
  'file_path',
  'filePath',
  'path',
  'pattern',
  'query',
  'url',
  'description',
  'prompt',
];

function toolLine(name: string | null, input: JsonObject | null): string {
  const argument =
    shownArguments.map((key) => (input === null ? null : textAt(input, key))).find((text) => text !== null) ?? '';
  const isCommand = input !== null && (textAt(input, 'command') ?? textAt(input, 'cmd')) !== null;
  return isCommand ? commandLine(argument) : oneLine(`${name ?? 'tool'} ${argument}`);
}

function commandLine(command: string | null): string {
  const inner = /^\S*sh -l?c '(.*)'$/s.exec(command ?? '')?.[1];
  return oneLine(`$ ${inner ?? command ?? ''}`);
}

export function troubleLine(text: string): string {
  return oneLine(`! ${text}`);
}

function trouble(text: string): Step {
  return line(troubleLine(text));
}

/** A person's message that the program has read. */
function typed(text: string | null): readonly Step[] {
  return (text ?? '').split('\n').map((each) => line(`> ${each}`));
}

function begun(program: string, version: string | null, model: string | null): Step {
  const name = `${program}${version === null ? '' : ` ${version}`} begins`;
  return line(model === null ? name : `${name}, model ${model}`);
}

function ended(turns: number | null): readonly Step[] {
  return [{ step: 'over' }, line(turns === null ? 'ended' : `ended after ${turns} turns`)];
}

function oneLine(text: string): string {
  const line = trimmedLines(text).join(' ');
  return line.length <= shownLength ? line : `${line.slice(0, shownLength - 1)}…`;
}
