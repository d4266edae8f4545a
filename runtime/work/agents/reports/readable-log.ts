/**
 * The log of a program that writes JSON lines, as text for people: what the agent said, a line for each tool it used, what went wrong. Pure, and the same
 * for a piece of a log as for a whole one. The raw lines stay in the run's folder.
 */
import { eachAcp } from '../../../base/config/acp/agents.ts';
import { isProgramPreset, type ProgramPreset } from '../../../base/config/preset-programs.ts';
import { safeText } from '../../../base/platform/terminal-text.ts';
import { isTypedId } from '../relay/message-line.ts';
import { type JsonObject, listAt, numberAt, objectAt, objectOf, textAt } from './json-line.ts';

/** A piece of a text that comes in pieces: what follows it goes on in the same line. */
interface Piece {
  readonly piece: string;
}

type Said = readonly string[] | Piece;

const nothing: Said = [];
/** Characters of a tool's arguments, and of an error. */
const shownLength = 200;

const writers = {
  claude: ofClaude,
  codex: ofCodex,
  opencode: ofOpencode,
  gemini: ofGemini,
  ...eachAcp(() => ofAcp),
} satisfies Record<ProgramPreset, (event: JsonObject) => Said>;

/**
 * `text` is the end of a log or any piece of one, in whole lines; of one that was cut in a line that line is left out. Under `sh`, `command` and where the preset
 * is not known it stays as it is. Always without control characters, as `safeText`.
 */
export function readableLog(preset: string | null, text: string): string {
  if (preset === null || !isProgramPreset(preset)) return safeText(text);
  const shown: string[] = [];
  let isOpen = false;
  for (const line of text.split('\n')) {
    const event = objectOf(line.trimEnd());
    const said = event === null ? plainLine(line) : writers[preset](event);
    if ('piece' in said) {
      if (isOpen) shown.push(`${shown.pop() ?? ''}${said.piece}`);
      else shown.push(said.piece);
      isOpen = true;
    } else if (said.length > 0) {
      for (const part of said) shown.push(part);
      isOpen = false;
    }
  }
  const whole = shown.map(withoutLastEnds).join('\n');
  return whole === '' ? '' : `${safeText(whole)}\n`;
}

/** By hand, because a pattern for trailing line ends takes quadratic time on a text of nothing else. */
function withoutLastEnds(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\n') end--;
  return text.slice(0, end);
}

/** Drops incomplete events: their rest is of no use to people. */
function plainLine(line: string): Said {
  const text = line.trimEnd();
  const isBroken = text.startsWith('{"') || /["\]}]\}$/.test(text);
  return text === '' || isBroken ? nothing : [text];
}

function ofClaude(event: JsonObject): Said {
  switch (event.type) {
    case 'assistant':
      return listAt(event, 'message', 'content').flatMap((part) => {
        if (part.type === 'text') return textAt(part, 'text') ?? [];
        return part.type === 'tool_use' ? [toolLine(textAt(part, 'name'), objectAt(part, 'input'))] : [];
      });
    case 'user':
      return listAt(event, 'message', 'content').flatMap((part) => {
        if (part.is_error === true) return [trouble(textAt(part, 'content') ?? 'the tool failed')];
        // Repeated by the program: the prompt too, which has an id of another kind.
        return isTypedId(textAt(event, 'uuid')) ? typed(textAt(part, 'text')) : [];
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
        : [ended(numberAt(event, 'num_turns'))];
    default:
      return nothing;
  }
}

function ofCodex(event: JsonObject): Said {
  const item = objectAt(event, 'item') ?? {};
  switch (event.type) {
    case 'item.started':
      return item.type === 'command_execution' ? [commandLine(textAt(item, 'command'))] : nothing;
    case 'item.completed':
      return codexItem(item);
    case 'turn.failed':
      return [trouble(textAt(event, 'error', 'message') ?? 'the turn failed')];
    case 'turn.completed':
      return [ended(null)];
    default:
      return nothing; // an `error` is told again by the turn that fails
  }
}

function codexItem(item: JsonObject): Said {
  switch (item.type) {
    case 'agent_message':
      return [textAt(item, 'text') ?? ''].filter((text) => text !== '');
    case 'command_execution': {
      const code = numberAt(item, 'exit_code');
      return code === null || code === 0 ? nothing : [trouble(`exit ${code}`)];
    }
    case 'file_change':
      return [
        `edit ${listAt(item, 'changes')
          .map((change) => textAt(change, 'path'))
          .join(', ')}`.slice(0, shownLength),
      ];
    case 'mcp_tool_call':
      return [toolLine(textAt(item, 'tool'), objectAt(item, 'arguments'))];
    case 'web_search':
      return [`search ${textAt(item, 'query') ?? ''}`];
    case 'error':
      return [trouble(textAt(item, 'message') ?? 'error')];
    default:
      return nothing;
  }
}

function ofOpencode(event: JsonObject): Said {
  switch (event.type) {
    case 'text':
      return [textAt(event, 'part', 'text') ?? ''].filter((text) => text !== '');
    case 'tool_use': {
      const failed = textAt(event, 'part', 'state', 'error');
      const line = toolLine(textAt(event, 'part', 'tool'), objectAt(event, 'part', 'state', 'input'));
      return failed === null ? [line] : [line, trouble(failed)];
    }
    case 'error':
      return [trouble(textAt(event, 'error', 'data', 'message') ?? textAt(event, 'error', 'name') ?? 'error')];
    case 'step_finish':
      return textAt(event, 'part', 'reason') === 'stop' ? [ended(null)] : nothing;
    default:
      return nothing;
  }
}

function ofGemini(event: JsonObject): Said {
  switch (event.type) {
    case 'init':
      return [begun('gemini', null, textAt(event, 'model'))];
    case 'message': {
      const content = event.role === 'assistant' ? textAt(event, 'content') : null;
      if (content === null) return nothing;
      return event.delta === true ? { piece: content } : [content];
    }
    case 'tool_use':
      return [toolLine(textAt(event, 'tool_name'), objectAt(event, 'parameters'))];
    case 'tool_result':
      return event.status === 'error' ? [trouble(textAt(event, 'error', 'message') ?? 'the tool failed')] : nothing;
    case 'error':
      return [trouble(textAt(event, 'message') ?? 'error')];
    case 'result':
      return event.status === 'error'
        ? [trouble(textAt(event, 'error', 'message') ?? 'it ended with an error')]
        : [ended(null)];
    default:
      return nothing;
  }
}

function ofAcp(event: JsonObject): Said {
  const words = objectAt(event, 'stator');
  if (words !== null) return ofRelay(words);
  const params = objectAt(event, 'params') ?? {};
  if (event.method === 'session/request_permission')
    return [oneLine(`? ${textAt(params, 'toolCall', 'title') ?? 'it asks for a permission'}`)];
  if (event.method === 'session/update') return ofAcpUpdate(objectAt(params, 'update') ?? {});
  const about = objectAt(event, 'result', 'agentInfo');
  if (about !== null) return [begun(textAt(about, 'name') ?? 'the agent', textAt(about, 'version'), null)];
  return textAt(event, 'result', 'stopReason') === 'end_turn' ? [ended(null)] : nothing;
}

/** What the relay decided, which the agent's own lines do not say. */
function ofRelay(words: JsonObject): Said {
  const problem = textAt(words, 'problem');
  if (problem !== null) return [trouble(problem)];
  const leftOut = numberAt(words, 'leftOut');
  if (leftOut !== null) return [trouble(`a line of ${leftOut} bytes is left out here`)];
  const lost = textAt(words, 'notTakenUp');
  if (lost !== null) return [trouble(`the conversation ${lost} could not be taken up by ${textAt(words, 'by')}`)];
  const answered = objectAt(words, 'answered');
  if (answered !== null) return [oneLine(`${textAt(answered, 'answer')}: ${textAt(answered, 'tool')}`)];
  return listAt(words, 'typed').flatMap((message) => typed(textAt(message, 'text')));
}

function ofAcpUpdate(update: JsonObject): Said {
  switch (update.sessionUpdate) {
    case 'agent_message_chunk':
      return pieceOf(textAt(update, 'content', 'text'));
    case 'tool_call':
      return [acpTool(update), ...listAt(update, 'content').flatMap(diffLine)];
    case 'tool_call_update':
      return [
        ...(update.status === 'failed' ? [trouble(`${textAt(update, 'title') ?? 'the tool'} failed`)] : []),
        ...listAt(update, 'content').flatMap(diffLine),
      ];
    case 'plan':
      return listAt(update, 'entries').map((entry) =>
        oneLine(
          `${entry.status === 'completed' ? '[x]' : entry.status === 'in_progress' ? '[>]' : '[ ]'} ${textAt(entry, 'content') ?? ''}`,
        ),
      );
    default:
      return nothing;
  }
}

function pieceOf(text: string | null): Said {
  return text === null ? nothing : { piece: text };
}

function acpTool(call: JsonObject): string {
  const input = objectAt(call, 'rawInput');
  const isCommand = input !== null && (textAt(input, 'command') ?? textAt(input, 'cmd')) !== null;
  return isCommand ? toolLine(null, input) : oneLine(textAt(call, 'title') ?? textAt(call, 'kind') ?? 'tool');
}

function diffLine(content: JsonObject): string[] {
  if (content.type !== 'diff') return [];
  const count = (key: string) => (textAt(content, key) ?? '').split('\n').filter((line) => line !== '').length;
  return [
    oneLine(`edit ${textAt(content, 'path') ?? 'a file'}: ${count('oldText')} lines before, ${count('newText')} after`),
  ];
}

/** The arguments by which people know what a tool is doing, the most telling first. */
const tellingArguments = [
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
  const told =
    tellingArguments.map((key) => (input === null ? null : textAt(input, key))).find((text) => text !== null) ?? '';
  const isCommand = input !== null && (textAt(input, 'command') ?? textAt(input, 'cmd')) !== null;
  return isCommand ? commandLine(told) : oneLine(`${name ?? 'tool'} ${told}`);
}

function commandLine(command: string | null): string {
  const inner = /^\S*sh -l?c '(.*)'$/s.exec(command ?? '')?.[1];
  return oneLine(`$ ${inner ?? command ?? ''}`);
}

function trouble(text: string): string {
  return oneLine(`! ${text}`);
}

/** What a person typed, when the program has read it. */
function typed(text: string | null): string[] {
  return (text ?? '').split('\n').map((line) => `> ${line}`);
}

function begun(program: string, version: string | null, model: string | null): string {
  return [
    `${program}${version === null ? '' : ` ${version}`} begins`,
    ...(model === null ? [] : [`model ${model}`]),
  ].join(', ');
}

function ended(turns: number | null): string {
  return turns === null ? 'ended' : `ended after ${turns} turns`;
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ' ');
  return line.length <= shownLength ? line : `${line.slice(0, shownLength - 1)}…`;
}
