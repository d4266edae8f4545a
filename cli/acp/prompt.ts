/** The content of a person's prompt: a file with a plan, or a text. Pure. */
import { fileURLToPath } from 'node:url';
import { invalidParams, RpcError } from '../../runtime/work/agents/relay/json-rpc.ts';

export type Prompt =
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'text'; readonly text: string };

interface Block {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly uri?: unknown;
  readonly resource?: { readonly uri?: unknown; readonly text?: unknown };
}

/** If a markdown file is linked, the file is the plan and the text beside it is ignored. null: the prompt is empty. Throws `RpcError`. */
export function promptOf(blocks: unknown): Prompt | null {
  const all = (Array.isArray(blocks) ? blocks : []) as readonly (Block | null)[]; // each part is checked below
  const text = all
    .map((block) => block?.text ?? '')
    .filter((part) => typeof part === 'string')
    .join('\n')
    .trim();
  for (const block of all) {
    const uri = block?.type === 'resource_link' ? block.uri : block?.type === 'resource' ? block.resource?.uri : null;
    if (typeof uri === 'string' && /^file:\/\/.*\.(?:md|markdown|json)$/i.test(uri))
      return { kind: 'file', path: pathOf(uri), text };
  }
  const embedded = all.flatMap((block) => (typeof block?.resource?.text === 'string' ? [block.resource.text] : []));
  const whole = [text, ...embedded].filter((part) => part !== '').join('\n\n');
  return whole === '' ? null : { kind: 'text', text: whole };
}

/** An editor on another machine names files that are not here. */
function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch {
    throw new RpcError(
      invalidParams,
      `${uri.slice(0, 500)} is no file of this machine; link one, as in file:///home/me/plan.md`,
    );
  }
}

/** The name of a plan, from the first heading or line of its text. */
export function nameOfText(text: string, random: string): string {
  const [line = ''] = text
    .split('\n')
    .map((each) => each.replace(/^#+\s*/, '').trim())
    .filter((each) => each !== '');
  const words = line
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|(?<!-)-+$/g, '')
    .slice(0, nameLength)
    .replace(/-+$/, '');
  return `${words === '' ? 'plan' : words}-${random}`;
}

const nameLength = 40;

/** A text of one line becomes its own title. */
export function withTitle(text: string): string {
  return /[\n#]/.test(text) ? text : `# ${text.slice(0, titleLength)}\n\n${text}\n`;
}

const titleLength = 100;
