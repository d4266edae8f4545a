/** The properties of a kind of forge, except for its API requests: one value in one file. */
import type { OutboundAnswer } from '../../../base/platform/outbound.ts';

/** A program that prints a token. */
export interface TokenProgram {
  readonly ask: readonly [string, ...string[]];
  /** The command with which a person sets its token. */
  readonly login: string;
}

/** A request without a token to an unknown forge, and whether the answer is one of this kind. */
export interface KindSign {
  readonly path: string;
  isIn(answer: OutboundAnswer): boolean;
}

export interface KindOfForge {
  /** The server of this kind that is known without an entry in servers.toml. */
  readonly host?: string;
  /** Hosts for ssh that differ from the host of the web address. */
  readonly sshHosts?: Readonly<Record<string, string>>;
  /** The variables that its own tools read, in order. */
  tokenVariables(server: { readonly name: string }): readonly string[];
  /** Its own program; the argument is the host. */
  readonly tokenProgram?: (host: string) => TokenProgram;
  readonly signs: readonly KindSign[];
  /** Kinds are asked in this order: a kind that also answers another kind's request, or gives weaker evidence, comes later. */
  readonly signRank: number;
}

export function jsonIn({ body }: OutboundAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null; // an HTML page
  }
}
