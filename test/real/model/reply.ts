/** The requests of a program to its model, and the answers of a test's script, in a form common to all services. */

/** One message of a conversation, as the service receives it. */
export interface Said {
  readonly by: 'user' | 'model' | 'tool';
  readonly text: string;
}

export interface Asked {
  readonly model: string;
  /** The whole conversation so far, the oldest first. */
  readonly said: readonly Said[];
  /** The text of the person's newest message: stator's prompt, and the program's additions. */
  readonly prompt: string;
  /** The outputs of tools since that message. */
  readonly results: readonly string[];
  /** The names of the tools that the program offers. */
  readonly tools: readonly string[];
  readonly key: string | null;
}

export type Reply =
  | { readonly kind: 'say'; readonly text: string; readonly thinking?: string }
  /** A call of the program's tool for shell commands. */
  | { readonly kind: 'run'; readonly command: string }
  /** A call of another tool, by its name. */
  | { readonly kind: 'call'; readonly tool: string; readonly input: object }
  /** The service refuses: the status, headers, and its own error. */
  | {
      readonly kind: 'fail';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly type?: string;
      readonly message: string;
      /** Further details in Google's own form. */
      readonly details?: readonly object[];
    }
  /** The stream begins, and its connection is cut. */
  | { readonly kind: 'cut' }
  /** It never answers. */
  | { readonly kind: 'hang' };

export type Script = (asked: Asked) => Reply;

/** The HTTP format of one service. */
export interface Service {
  /** null: this request is not for the model. */
  read(request: { readonly url: string; readonly body: string; readonly key: string | null }): Asked | null;
  /** The complete event stream; `until` ends it early for a cut. */
  stream(reply: Exclude<Reply, { kind: 'cut' | 'fail' | 'hang' }>, asked: Asked): readonly string[];
  failure(reply: Extract<Reply, { kind: 'fail' }>): string;
  /** The answer to a request of the program itself (a title, a choice of model): not streamed. */
  side(url: string, body: string): { readonly status: number; readonly type: string; readonly body: string };
}

/** The usage that each answer reports, in tokens. Services with separate fields report `cached` of the input and `thinking` of the output there. */
export const usage = { input: 140, cached: 40, output: 25, thinking: 5 };

/** The person's newest message, and the outputs of tools after it. */
export function newestOf(said: readonly Said[]): Pick<Asked, 'prompt' | 'results'> {
  const at = said.findLastIndex(({ by }) => by === 'user');
  return {
    prompt: said[at]?.text ?? '',
    results: said
      .slice(at + 1)
      .filter(({ by }) => by === 'tool')
      .map(({ text }) => text),
  };
}

/** A text in pieces of a few words, as services stream it. */
export function piecesOf(text: string): string[] {
  return text.match(/[\s\S]{1,400}/g) ?? [''];
}

/** One event of a stream. */
export function event(content: object, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(content)}\n\n`;
}

/** A script that runs these commands, one per turn, and then reports that it is done. */
export function works(...commands: readonly string[]): Script {
  return ({ results }) => {
    const command = commands[results.length];
    return command === undefined ? { kind: 'say', text: 'It is done.' } : { kind: 'run', command };
  };
}
