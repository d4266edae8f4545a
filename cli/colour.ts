/** The few tones of the terminal output, and whether there are any. */

export type Tone = 'plain' | 'strong' | 'dim' | 'good' | 'bad' | 'busy' | 'attention';

const codes: Record<Exclude<Tone, 'plain'>, readonly [number, number]> = {
  strong: [1, 22],
  dim: [2, 22],
  good: [32, 39],
  bad: [31, 39],
  busy: [36, 39],
  attention: [33, 39],
};

export type Paint = (tone: Tone, text: string) => string;

export const noPaint: Paint = (_tone, text) => text;

const ansiPaint: Paint = (tone, text) => {
  if (tone === 'plain' || text === '') return text;
  const [on, off] = codes[tone];
  return `\x1b[${on}m${text}\x1b[${off}m`;
};

/** Colour on a terminal only, and not where NO_COLOR (https://no-color.org) is set to anything, or the terminal is a dumb one. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb' ? ansiPaint : noPaint;
}
