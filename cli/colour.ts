/** The few tones of the terminal output, and whether there are any. */
import { styleText } from 'node:util';

export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'bad' | 'busy' | 'attention';

const styles = {
  strong: 'bold',
  dim: 'dim',
  good: 'green',
  bad: 'red',
  busy: 'cyan',
  attention: 'yellow',
} as const;

export type Paint = (tone: Tone, text: string) => string;

export const noPaint: Paint = (_tone, text) => text;

const ansiPaint: Paint = (tone, text) => {
  if (tone === 'plain' || text === '') return text;
  return styleText(styles[tone], text, { validateStream: false }); // paintFor has checked the stream
};

/** Colour on a terminal only, and not where NO_COLOR (https://no-color.org) is set to anything, or the terminal is a dumb one. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb' ? ansiPaint : noPaint;
}
