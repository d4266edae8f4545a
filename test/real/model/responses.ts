/** OpenAI's Responses, streamed over HTTP: the API of codex. */
import { event, newestOf, piecesOf, type Reply, type Said, type Service, usage } from './reply.ts';

interface Item {
  readonly type: string;
  readonly role?: string;
  readonly content?: readonly { readonly text?: string }[];
  readonly output?: unknown;
}

export const responses: Service = {
  read({ url, body, key }) {
    if (!url.includes('/responses')) return null;
    const { model, input } = JSON.parse(body) as { readonly model: string; readonly input: readonly Item[] }; // what the real program sends
    const said = input.flatMap(saidOf);
    return { model, said, ...newestOf(said), tools: ['exec'], key };
  },
  stream(reply, asked) {
    const id = `resp_${asked.said.length}`;
    const item = itemOf(reply, asked.said.length);
    const [thinking = '', text = ''] = reply.kind === 'say' ? [reply.thinking, reply.text] : [];
    const events = [
      { type: 'response.created', response: { id } },
      ...(thinking === '' ? [] : thoughtsOf(thinking, asked.said.length)),
      { type: 'response.output_item.added', output_index: 1, item: { ...item, content: [], input: '' } },
      ...(text === '' ? [] : piecesOf(text)).map((delta) => ({
        type: 'response.output_text.delta',
        output_index: 1,
        delta,
      })),
      { type: 'response.output_item.done', output_index: 1, item },
      { type: 'response.completed', response: { id, usage: counted } },
    ];
    return events.map((each) => event(each, each.type));
  },
  failure: ({ type = 'server_error', message }) => JSON.stringify({ error: { type, message, code: type } }),
  side(url) {
    const isRenewal = url.endsWith('/oauth/token');
    const error = {
      message: 'Your refresh token has expired.',
      type: 'invalid_request_error',
      code: 'refresh_token_expired',
    };
    return isRenewal
      ? { status: 401, type: 'application/json', body: JSON.stringify({ error }) }
      : { status: 404, type: 'application/json', body: '{}' };
  },
};

const counted = {
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cached },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.thinking },
  total_tokens: usage.input + usage.output,
};

/** The text about the folder and the machine before the prompt is not the person's. */
function saidOf({ type, role, content = [], output }: Item): Said[] {
  if (type.endsWith('_output'))
    return [{ by: 'tool', text: typeof output === 'string' ? output : JSON.stringify(output) }];
  if (type !== 'message' || (role !== 'user' && role !== 'assistant')) return [];
  const text = content.map((part) => part.text ?? '').join('\n');
  if (role === 'user' && /^<(environment_context|user_instructions)>|^# AGENTS\.md/.test(text)) return [];
  return [{ by: role === 'user' ? 'user' : 'model', text }];
}

function thoughtsOf(text: string, at: number): { type: string }[] {
  const item = {
    type: 'reasoning',
    id: `rs_${at}`,
    summary: [{ type: 'summary_text', text }],
    encrypted_content: 'c2VhbGVk',
  };
  return [
    { type: 'response.output_item.added', output_index: 0, item: { ...item, summary: [] } } as { type: string },
    ...piecesOf(text).map((delta) => ({ type: 'response.reasoning_summary_text.delta', summary_index: 0, delta })),
    { type: 'response.output_item.done', output_index: 0, item } as { type: string },
  ];
}

function itemOf(reply: Exclude<Reply, { kind: 'cut' | 'fail' | 'hang' }>, at: number): object {
  if (reply.kind === 'say') {
    const content = [{ type: 'output_text', text: reply.text }];
    return { type: 'message', id: `msg_${at}`, role: 'assistant', content };
  }
  const input =
    reply.kind === 'run'
      ? `text(await tools.exec_command({ cmd: ${JSON.stringify(reply.command)} }))`
      : `text(await tools.${reply.tool}(${JSON.stringify(reply.input)}))`;
  return {
    type: 'custom_tool_call',
    id: `ctc_${at}`,
    call_id: `call_${at}`,
    name: 'exec',
    namespace: 'functions',
    input,
  };
}
