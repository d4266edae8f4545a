/** Anthropic's Messages, streamed: the API of claude, and of opencode through its provider. */
import { type Asked, event, newestOf, piecesOf, type Reply, type Said, type Service, usage } from './reply.ts';

interface Part {
  readonly type: string;
  readonly text?: string;
  readonly content?: string | readonly Part[];
  readonly name?: string;
}

type Role = 'assistant' | 'user' | 'system';

interface Body {
  readonly model: string;
  readonly messages: readonly { readonly role: Role; readonly content: string | readonly Part[] }[];
  readonly tools?: readonly { readonly name: string }[];
}

const shellTools = ['Bash', 'bash'];

export const messages: Service = {
  read({ url, body, key }) {
    if (!url.includes('/messages') || url.includes('count_tokens')) return null;
    const { model, messages: sent, tools = [] } = JSON.parse(body) as Body; // what the real programs send
    const names = tools.map(({ name }) => name);
    // Requests without a shell tool are the program's own: for titles, summaries, or a check of the key.
    if (!names.some((name) => shellTools.includes(name))) return null;
    const said = sent.flatMap(({ role, content }) => saidOf(role, content));
    return { model, said, ...newestOf(said), tools: names, key };
  },
  stream(reply, asked) {
    const parts = contentOf(reply, asked).flatMap(({ block, deltas }, index) => [
      event({ type: 'content_block_start', index, content_block: block }, 'content_block_start'),
      ...deltas.map((delta) => event({ type: 'content_block_delta', index, delta }, 'content_block_delta')),
      event({ type: 'content_block_stop', index }, 'content_block_stop'),
    ]);
    const message = {
      ...{ id: `msg_${asked.said.length}`, type: 'message', role: 'assistant', model: asked.model, content: [] },
      ...{ stop_reason: null, stop_sequence: null, usage: { ...counted, output_tokens: 1 } },
    };
    const end = { stop_reason: reply.kind === 'say' ? 'end_turn' : 'tool_use', stop_sequence: null };
    return [
      event({ type: 'message_start', message }, 'message_start'),
      ...parts,
      event({ type: 'message_delta', delta: end, usage: { output_tokens: usage.output } }, 'message_delta'),
      event({ type: 'message_stop' }, 'message_stop'),
    ];
  },
  failure: ({ type = 'api_error', message }) => JSON.stringify({ type: 'error', error: { type, message } }),
  side(url, body) {
    if (url.includes('count_tokens'))
      return { status: 200, type: 'application/json', body: JSON.stringify({ input_tokens: 10 }) };
    if (!url.includes('/messages')) return { status: 404, type: 'application/json', body: '{}' };
    const { model } = JSON.parse(body || '{"model":""}') as Body; // as above
    const asked: Asked = { model, said: [], prompt: '', results: [], tools: [], key: null };
    const text = messages.stream({ kind: 'say', text: 'a title' }, asked).join('');
    return { status: 200, type: 'text/event-stream', body: text };
  },
};

const counted = {
  input_tokens: usage.input - usage.cached,
  output_tokens: usage.output,
  cache_read_input_tokens: usage.cached,
  cache_creation_input_tokens: 0,
};

/** The form in which claude passes on a message that a person sent while it worked. */
const sentMeanwhile = /^The user sent a new message while you were working:\n(.*?)\n\n/s;

/** Other system texts of claude, for example about the machine, come from no person. */
function saidOf(role: Role, content: string | readonly Part[]): Said[] {
  if (role === 'system') {
    const text = sentMeanwhile.exec(textOf(content))?.[1];
    return text === undefined ? [] : [{ by: 'user', text }];
  }
  const by = role === 'assistant' ? 'model' : 'user';
  if (typeof content === 'string') return [{ by, text: content }];
  const results = content.filter(({ type }) => type === 'tool_result');
  const rest = content.filter(({ type, text = '' }) => type === 'text' && !text.startsWith('<system-reminder>'));
  const texts = rest.map(({ text = '' }) => text).join('\n');
  return [
    ...results.map((part): Said => ({ by: 'tool', text: textOf(part.content) })),
    ...(texts === '' ? [] : [{ by, text: texts } satisfies Said]),
  ];
}

function textOf(content: Part['content']): string {
  if (content === undefined) return '';
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('\n');
}

function contentOf(reply: Exclude<Reply, { kind: 'cut' | 'fail' | 'hang' }>, { tools, said }: Asked) {
  if (reply.kind === 'say') {
    const text = {
      block: { type: 'text', text: '' },
      deltas: piecesOf(reply.text).map((piece) => ({ type: 'text_delta', text: piece })),
    };
    if (reply.thinking === undefined) return [text];
    const thinking = {
      block: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        ...piecesOf(reply.thinking).map((piece) => ({ type: 'thinking_delta', thinking: piece })),
        { type: 'signature_delta', signature: 'c2lnbmVk' },
      ],
    };
    return [thinking, text];
  }
  const [tool, input] =
    reply.kind === 'run'
      ? [tools.find((name) => shellTools.includes(name)) ?? 'Bash', { command: reply.command, description: 'a step' }]
      : [reply.tool, reply.input];
  return [
    {
      block: { type: 'tool_use', id: `toolu_${said.length}`, name: tool, input: {} },
      deltas: piecesOf(JSON.stringify(input)).map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
    },
  ];
}
