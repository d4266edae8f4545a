/** `source = "webhook"`: each signed delivery of a sender is an item. */
import { intakeSource } from './source.ts';
import { secretName, trackerKeys, trackerWords } from './tracker.ts';

const { work, message, env_file: envFile } = trackerKeys;

export const webhookSource = intakeSource({
  source: 'webhook',
  keys: { secret: secretName, env_file: envFile, work, message },
  words: {
    secret: [null, 'webhook: the variable with the secret that its sender signs with; required'],
    ...{ env_file: trackerWords.env_file, work: trackerWords.work, message: trackerWords.message },
  },
  from: ({ work: made }) => `signed deliveries, each a ${made}`,
});
