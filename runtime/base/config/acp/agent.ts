/** An agent that is known to support the Agent Client Protocol: one value, in a file of its own. Pure, for every layer. */

/** The settings of a session that are made before its first prompt. */
export interface AcpMode {
  /** Ids of modes in order of preference: the first that the agent offers is set. `name` also matches an id `…#name`. */
  readonly modes: readonly string[];
  /** Further options of the session, by their ids, that are set where the agent has them. */
  readonly options?: Readonly<Record<string, string>>;
  /** Variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program is started with the protocol. */
export interface AcpSpeech {
  /** The arguments that start it with the protocol. */
  readonly args: readonly string[];
  readonly loginCommand: string;
  /** Its modes by `permissions`. */
  readonly modeOf: { readonly skip: AcpMode; readonly ask: AcpMode };
  /** The option of its program that names a model; null: the model is an option of the session. */
  readonly modelFlag: string | null;
}

export interface AcpAgent extends AcpSpeech {
  /** The program on PATH, unless the profile names another one. */
  readonly program: string;
  readonly installCommand: string;
  /** The versions that were tried, the oldest first; empty: none, the facts are from its documentation. */
  readonly triedVersions: readonly string[];
  /** The variables that its documentation names; a name that ends in `_` means all with that beginning. */
  readonly variables: readonly string[];
  /** The variables that contain a key, and those that contain the address of the service: they identify an account. */
  readonly keys: readonly string[];
  readonly addresses: readonly string[];
  /** The hosts of its service. */
  readonly hosts: readonly string[];
  /** Its folder in the user's home, the variable that names another one, and what lies in it, as paths from there. */
  readonly home: {
    readonly folder: string;
    readonly variable: string | null;
    readonly conversations: string | null;
    readonly logins: readonly string[];
    readonly readable: readonly string[];
  };
  /** Files of its working folder that it loads automatically, and that can start a program. */
  readonly settings: readonly string[];
  /** Whether a trial has shown that `settings` is complete. If so, a checkout without these files has none of the branch's settings. */
  readonly settingsAreTried: boolean;
}
