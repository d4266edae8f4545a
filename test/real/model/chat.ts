/** OpenAI's Chat Completions, streamed: the API that many agents support. */
import { event, newestOf, piecesOf, type Said, type Service, usage } from './reply.ts';

interface Body {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content?: string | readonly { readonly text?: string }[] | null;
  }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

const shellTools = ['bash', 'run_shell_command'];
const roles: Readonly<Record<string, Said['by']>> = { user: 'user', assistant: 'model', tool: 'tool' };

export const chat: Service = {
  read({ url, body, key }) {
    if (!url.includes('/chat/completions')) return null;
    const { model, messages, tools = [] } = JSON.parse(body) as Body; // what the real programs send
    const names = tools.map((tool) => tool.function.name);
    // Requests without a shell tool are the program's own: for titles or suggestions.
    if (!names.some((name) => shellTools.includes(name))) return null;
    const said = messages.flatMap(({ role, content }): Said[] => {
      const by = roles[role];
      const parts = typeof content === 'string' ? [{ text: content }] : (content ?? []);
      const text = parts.map((part) => part.text ?? '').join('\n');
      return by === undefined || (text === '' && by !== 'tool') ? [] : [{ by, text }];
    });
    return { model, said, ...newestOf(said), tools: names, key };
  },
  stream(reply, { tools, said, model }) {
    const chunk = (delta: object, finish: string | null = null) =>
      event({
        ...{ id: `c${said.length}`, object: 'chat.completion.chunk', created: 1, model },
        choices: [{ index: 0, delta, finish_reason: finish }],
      });
    const counted = { prompt_tokens: usage.input, completion_tokens: usage.output };
    const end = event({
      ...{ id: `c${said.length}`, object: 'chat.completion.chunk', created: 1, model, choices: [] },
      usage: { ...counted, total_tokens: usage.input + usage.output },
    });
    if (reply.kind === 'say')
      return [
        ...piecesOf(reply.text).map((content) => chunk({ role: 'assistant', content })),
        chunk({}, 'stop'),
        end,
        'data: [DONE]\n\n',
      ];
    const [name, input] =
      reply.kind === 'run'
        ? [
            tools.find((tool) => shellTools.includes(tool)),
            { command: reply.command, description: 'a step', is_background: false },
          ]
        : [reply.tool, reply.input];
    const call = {
      ...{ index: 0, id: `call_${said.length}`, type: 'function' },
      function: { name, arguments: JSON.stringify(input) },
    };
    return [chunk({ role: 'assistant', tool_calls: [call] }), chunk({}, 'tool_calls'), end, 'data: [DONE]\n\n'];
  },
  failure: ({ type = 'api_error', message }) => JSON.stringify({ error: { type, message } }),
  side: (url) =>
    url.includes('/chat/completions')
      ? { status: 200, type: 'text/event-stream', body: [event(titled), 'data: [DONE]\n\n'].join('') }
      : { status: 404, type: 'application/json', body: '{}' },
};

const titled = {
  ...{ id: 'c0', object: 'chat.completion.chunk', created: 1, model: 'm1' },
  choices: [{ index: 0, delta: { role: 'assistant', content: 'a title' }, finish_reason: 'stop' }],
};
