// An editor (with forms where EDITOR_FORMS is set) that speaks the Agent Client Protocol by the SDK's own client. usage: acp-editor.mjs <cwd> <program> [argument]... Each line of its input is
// `{"prompt": [block]}`, `{"cancel": true}` or `{"answer": <option or text>}` (null: declined); each line of its output is what it saw.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { client, ndJsonStream } from '@agentclientprotocol/sdk';

const [cwd, program, ...args] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
child.once('exit', (code) => say({ exit: code }));
const answers = [];
const waiting = [];

const { agent } = client({ name: 'editor' })
  .onNotification('session/update', ({ params }) => say(params.update))
  .onRequest('session/request_permission', async ({ params }) => {
    say({ asked: params.toolCall, options: params.options.map(({ optionId, kind }) => `${optionId}: ${kind}`) });
    const optionId = answers.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
    return { outcome: { outcome: 'selected', optionId } };
  })
  .onRequest('elicitation/create', async ({ params }) => {
    say({ form: params.message, properties: Object.keys(params.requestedSchema.properties) });
    const answer = answers.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
    return answer === null ? { action: 'decline' } : { action: 'accept', content: { answer } };
  })
  .connect(ndJsonStream(Writable.toWeb(child.stdin), Readable.toWeb(child.stdout)));

const clientCapabilities = process.env.EDITOR_FORMS === undefined ? {} : { elicitation: { form: {} } };
say({ about: await agent.request('initialize', { protocolVersion: 1, clientCapabilities }) });
const { sessionId } = await agent.request('session/new', { cwd, mcpServers: [] });
say({ sessionId });
for await (const line of createInterface({ input: process.stdin })) {
  const { prompt, cancel, answer } = JSON.parse(line);
  if (prompt !== undefined)
    agent.request('session/prompt', { sessionId, prompt }).then(
      ({ stopReason }) => say({ stopReason }),
      ({ code, message }) => say({ error: { code, message } }),
    );
  if (cancel) agent.notify('session/cancel', { sessionId });
  if (answer !== undefined) {
    const resolve = waiting.shift();
    if (resolve === undefined) answers.push(answer);
    else resolve(answer);
  }
}
child.stdin.end();
