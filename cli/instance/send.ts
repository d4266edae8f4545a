/** `stator instance send`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { readStdin } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { sendToInstance, titleArg } from './word.ts';

/** What the inbox takes, with room for its wrapping. */
const messageLimitBytes = 60 * 1024;

export default defineVerb({
  summary: 'Leave a message for an agent: it reads it in its next turn.',
  args: {
    title: titleArg,
    message: { type: 'positional', description: 'in quotes; - reads it from standard input' },
  },
  examples: ['stator instance send login-w1-t2 "keep the old format"', 'git diff | stator instance send login-w1-t2 -'],
  async run({ title, message }, call) {
    const text = message === '-' ? await readStdin(call, 'the message') : message;
    if (text.trim() === '') {
      throw new EngineError(
        'usage',
        `the message to ${title} is empty`,
        'say something: stator instance send <title> "<message>"',
      );
    }
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > messageLimitBytes) {
      const limit = `${messageLimitBytes} bytes (60 KiB)`;
      throw new EngineError(
        'too_large',
        `the message has ${sizeBytes} bytes, over the limit of ${limit}`,
        'put it into a file of the repo and name that',
      );
    }
    return sendToInstance(call, { title, does: 'send a message to' }, (client, project) =>
      client.sendToInstance(project, title, text),
    );
  },
});
