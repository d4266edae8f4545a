/** Gemini's generateContent, streamed: the API of gemini with a key. */
import { event, newestOf, piecesOf, type Reply, type Said, type Service, usage } from './reply.ts';

interface Part {
  readonly text?: string;
  readonly functionResponse?: { readonly response?: object };
}

interface Body {
  readonly contents: readonly { readonly role?: string; readonly parts: readonly Part[] }[];
  readonly tools?: readonly { readonly functionDeclarations?: readonly { readonly name: string }[] }[];
}

const shellTool = 'run_shell_command';

export const generateContent: Service = {
  read({ url, body, key }) {
    if (!url.includes(':streamGenerateContent')) return null;
    const { contents, tools = [] } = JSON.parse(body) as Body; // what the real program sends
    const names = tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations.map(({ name }) => name));
    if (!names.includes(shellTool)) return null;
    const said = contents.flatMap(saidOf);
    return { model: /models\/([^:]+):/.exec(url)?.[1] ?? '', said, ...newestOf(said), tools: names, key };
  },
  stream(reply, asked) {
    const parts = partsOf(reply);
    return parts.map((part, at) => {
      const end = at === parts.length - 1 ? { finishReason: 'STOP' } : {};
      const candidates = [{ content: { role: 'model', parts: [part] }, ...end, index: 0 }];
      return event({ candidates, usageMetadata: counted, modelVersion: asked.model });
    });
  },
  failure: ({ status, type = 'INTERNAL', message, details = [] }) =>
    JSON.stringify({ error: { code: status, message, status: type, details } }),
  /** gemini asks a small model how hard the prompt is, to choose the model. */
  side(url) {
    if (!url.includes(':generateContent') && !url.includes(':streamGenerateContent'))
      return { status: 404, type: 'application/json', body: '{}' };
    const text = JSON.stringify({ complexity_reasoning: 'a step', complexity_score: 10 });
    const answer = {
      candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 },
    };
    return url.includes(':stream')
      ? { status: 200, type: 'text/event-stream', body: event(answer) }
      : { status: 200, type: 'application/json', body: JSON.stringify(answer) };
  },
};

const counted = {
  promptTokenCount: usage.input,
  cachedContentTokenCount: usage.cached,
  candidatesTokenCount: usage.output - usage.thinking,
  thoughtsTokenCount: usage.thinking,
  totalTokenCount: usage.input + usage.output,
};

/** The text about the machine before the prompt is not the person's. */
function saidOf({ role = 'user', parts }: Body['contents'][number]): Said[] {
  const results = parts.filter(({ functionResponse }) => functionResponse !== undefined);
  const texts = parts.map(({ text = '' }) => text).filter((text) => text !== '' && !text.includes('<session_context>'));
  const text = texts.join('\n');
  return [
    ...results.map(
      ({ functionResponse }): Said => ({ by: 'tool', text: JSON.stringify(functionResponse?.response ?? {}) }),
    ),
    ...(text === '' ? [] : [{ by: role === 'model' ? 'model' : 'user', text } satisfies Said]),
  ];
}

function partsOf(reply: Exclude<Reply, { kind: 'cut' | 'fail' | 'hang' }>): object[] {
  if (reply.kind !== 'say') return [callOf(reply)];
  const { text, thinking = '' } = reply;
  const thoughts = thinking === '' ? [] : piecesOf(thinking).map((piece) => ({ text: piece, thought: true }));
  return [...thoughts, ...piecesOf(text).map((piece) => ({ text: piece }))];
}

function callOf(reply: Extract<Reply, { kind: 'call' | 'run' }>): object {
  if (reply.kind === 'call') return { functionCall: { name: reply.tool, args: reply.input } };
  return { functionCall: { name: shellTool, args: { command: reply.command, description: 'a step' } } };
}
