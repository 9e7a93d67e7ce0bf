/**
 * Every error that Lockstep raises on purpose. The set is closed: a code is added here, with its meaning
 * and its usual remedy, and `docs/reference/errors.md` lists the same codes (a test keeps both equal).
 */
export const errorCatalogue = {
  INVALID_DURATION: ['A duration cannot be read, is negative or is absurdly long.', "Write a number and a unit: '30m', '7d', '1h30m'."],
  INVALID_MOMENT: ['A moment cannot be read or lies outside the years 1684 to 2255.', 'Pass a Date or an ISO 8601 string.'],
  INVALID_TYPE: ['A value type is declared with parameters that make no sense.', 'Correct the parameters named in the message.'],
  INVALID_VALUE: ['A value does not fit the type that was declared for it.', 'Correct the value, or widen the declared type.'],
  NUMBER_OUT_OF_RANGE: [
    'An exact number would pass 2^53 (int64: 2^63) and is not rounded.',
    'Declare int64 or float, or aggregate a smaller unit.',
  ],
  INVALID_DEFINITION: ['A definition contradicts itself.', 'Correct the definition at the place named.'],
  UNKNOWN_COLUMN: ['An expression names a column that its source does not declare.', 'Declare the column, or use one of the names listed.'],
  UNKNOWN_NAME: ['No view, group, feature, source or entity has this name.', 'Use one of the names listed; `lockstep list` shows all.'],
  MISSING_KEY: ['A row, a label or a request lacks an entity key.', 'Provide every key column of the entity.'],
  DUPLICATE_NAME: ['Two things that must be told apart have one name.', 'Rename one of them, or use an alias.'],
  CYCLIC_DEFINITION: ['A feature depends on itself, directly or through others.', 'Break the cycle.'],
  CIRCULAR_IMPORT: ['A definition was used before its module had finished loading.', 'Move what both modules need into a third one.'],
  SOURCE_NOT_FOUND: ['No file matches the path of a source or of the labels.', 'Check the path; it is relative to the working folder.'],
  SOURCE_SCHEMA: [
    'A file lacks a declared column, or holds it as a type that cannot be read as declared.',
    'Map the column, or correct the declared type.',
  ],
  ROW_REFUSED: [
    'A row violates the declared schema and the policy of its source is to refuse.',
    "Correct the row, or declare `invalidRows: 'setAside'`.",
  ],
  OUT_OF_MEMORY: [
    'The work does not fit the memory it was given, even by way of the disk.',
    'Give it more memory, or a temporary folder with more space.',
  ],
  STORE_LOCKED: ['Another process is writing to the same store.', 'Wait for it to end, or use another store.'],
  STORE_UNAVAILABLE: [
    'A store cannot be reached, or cannot take what is written to it.',
    'Check that it runs and that its disk has space, then do it again.',
  ],
  EVENT_LOG_UNAVAILABLE: [
    'The event log cannot be reached, or does not do what is asked of it.',
    'Check that its brokers run, their addresses and the credentials; then do it again.',
  ],
  STORE_CORRUPT: ['Stored data cannot be read.', 'Materialize or backfill again; the history is untouched.'],
  DEFINITION_MISMATCH: [
    'Stored data was written by another version of the definition.',
    'Materialize again, or raise the version of the group.',
  ],
  IMMUTABLE_VERSION: ['Other values are already written for this version of the group.', 'Raise the version of the group and backfill it.'],
  TOPIC_CHANGED: [
    'The events of a source come from another topic than those that are stored, or are partitioned by other columns.',
    'Declare what comes from the other topic as a source of another name, and read it in a new version of the groups.',
  ],
  PLAN_OUTDATED: ['What is applied, or what the files define, is no longer what was planned on.', 'Plan again, and review what changed.'],
  POLICY_VIOLATED: ['A policy whose severity is error is violated.', 'Correct what it names, or change the severity of the policy.'],
  REGISTRY_CONFLICT: ['Someone else changed the same part of the registry first.', 'Look at what is there now, and do it again.'],
  IN_USE: ['What is to be removed is still in use.', 'Move those who use it to a replacement first.'],
  NAME_RETIRED: ['A name was removed, and is not used again with another meaning.', 'Choose another name, or raise the version.'],
  FEATURE_BROWNED_OUT: [
    'A deprecated feature is not answered for a while, so that who still reads it is found before it is removed.',
    'Read what replaces it.',
  ],
  READ_BEFORE_STATE: [
    'The online store does not reach back to the moment asked for.',
    'Ask for a later moment, or build a training set from history.',
  ],
  OUTPUT_EXISTS: ['The file or folder to be written is already there.', 'Choose another path, or pass --overwrite.'],
  ON_DEMAND_FAILED: ['The code of an on-demand view threw, or returned something it had not declared.', 'Correct its compute function.'],
  INVALID_ARGUMENT: ['An argument or option makes no sense.', 'See --help, or the reference of the function.'],
  INVALID_REQUEST: [
    'A request is not of the form that the API has: no JSON, a field too many, too few or of another type, too large.',
    'Correct the field named; /openapi.json describes every request.',
  ],
  UNAUTHENTICATED: [
    'A request carries no token that counts: none, or one that is wrong, expired or revoked.',
    'Send `authorization: Bearer TOKEN`; `lockstep token create` makes one.',
  ],
  FORBIDDEN: [
    'Who asks may not do it: the scopes of the token, or their roles, do not allow it.',
    'Ask an admin for the scope or role named.',
  ],
  UNKNOWN_READ: [
    'Nothing is kept of a read with this id: it was not sampled, or too long ago.',
    'Ask with `"explain": true`, which keeps a read for sure, or explain by keys and moment.',
  ],
  NOT_MATERIALIZED: [
    'A version of a view cannot become current, as the online store does not hold all that it reads.',
    'Materialize the groups that are named, and do it again.',
  ],
  NOT_READY: ['The server is starting, or about to end.', 'Ask another one, or ask again.'],
  OVERLOADED: [
    'There are more requests than the server, or the rate of a token, allows.',
    'Wait as long as Retry-After says, and ask again.',
  ],
  SERVER_FAILED: [
    'A server answered what is no answer of the API, or could not be reached.',
    'Check the address, and that the server runs.',
  ],
  INTERNAL: ['The server met an error that is not of the caller’s making.', 'Look into its log by the read id.'],
  INTERRUPTED: ['The work was stopped before its end; nothing half-written is visible.', 'Run it again.'],
} as const satisfies Record<string, readonly [meaning: string, remedy: string]>

export type ErrorCode = keyof typeof errorCatalogue

/** What went wrong (`message`), where, and what to do; `code` is stable and documented. */
export class LockstepError extends Error {
  override readonly name = 'LockstepError'
  readonly code: ErrorCode
  /** The place: a feature, a file and row, an option. Empty when the message says it all. */
  readonly where: string
  readonly remedy: string
  /** The message without the place. */
  readonly bareMessage: string

  constructor(code: ErrorCode, message: string, options: { where?: string; remedy?: string; cause?: unknown } = {}) {
    super(options.where ? `${message} (${options.where})` : message, { cause: options.cause })
    this.code = code
    this.bareMessage = message
    this.where = options.where ?? ''
    this.remedy = options.remedy ?? errorCatalogue[code][1]
  }

  toJSON(): { code: ErrorCode; message: string; where: string; remedy: string } {
    return { code: this.code, message: this.message, where: this.where, remedy: this.remedy }
  }
}
