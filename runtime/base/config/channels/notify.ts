/** A notification on the desktop. */
import { channel } from './channel.ts';

export const notify = channel({
  type: 'notify',
  is: 'a notification on the desktop',
  keys: {},
  words: {},
  settings: () => ({}),
});
