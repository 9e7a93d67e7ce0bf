/** A text under a key in a table, and the revision of the commit that wrote it. */
export interface Document {
  readonly key: string
  readonly text: string
  readonly revision: number
}

export interface DocumentPlace {
  readonly table: string
  readonly key: string
}

/** What a commit is made for: that a document has still this revision; 0: that there is none. */
export interface Condition extends DocumentPlace {
  readonly revision: number
}

export interface Commit {
  readonly conditions?: readonly Condition[]
  readonly puts?: readonly (DocumentPlace & { readonly text: string })[]
  /** What is not there is deleted already. */
  readonly deletes?: readonly DocumentPlace[]
}

export interface ListOptions {
  /** Keys that begin so. */
  readonly prefix?: string
  /** Keys after this one, in the direction of the list. */
  readonly after?: string
  /** At most so many documents; all by default. */
  readonly limit?: number
  /** Highest key first. */
  readonly descending?: boolean
}

/** Documents of a table whose keys begin so; all by default. */
export interface DocumentRange {
  readonly table: string
  readonly prefix?: string
}

export interface DocumentStoreCapabilities {
  /** What was committed is there after a crash of the machine. */
  readonly durable: boolean
  /** Several machines may use it at once; else several processes of one. */
  readonly sharedByMachines: boolean
}

/** What can be read of a registry: all of it as it is now, or in `DocumentStore.snapshot` as of one revision. */
export interface DocumentReads {
  /** How many commits there were: what asks whether anything has changed. Cheap. */
  revision(): Promise<number>
  /** The documents at some places, in one consistent view; null where there is none. */
  read(places: readonly DocumentPlace[]): Promise<(Document | null)[]>
  /** Documents of a table in order of their keys, in one consistent view. */
  list(table: string, options?: ListOptions): Promise<Document[]>
  /** Equal to what it was before only where none of these documents has changed since. Reads no texts. */
  stamp(range: DocumentRange): Promise<string>
  /** The names of the tables that hold documents, in order. */
  tables(): Promise<string[]>
}

/**
 * The port of registries: tables of small texts by key, and commits that are whole or nothing. Names of tables are of letters, digits
 * and `_`; keys have up to 1,000 bytes and compare by the bytes of their UTF-8. All methods throw `STORE_UNAVAILABLE` while the store
 * cannot be reached, and `STORE_CORRUPT` where what it holds cannot be read.
 */
export interface DocumentStore extends DocumentReads {
  readonly name: string
  readonly capabilities: DocumentStoreCapabilities
  /**
   * What work gives that reads as much as it likes as of one revision, whatever is committed meanwhile. It waits for no commit and
   * keeps none waiting, and may be begun again where the store is away for a moment. What it is given is worth nothing afterwards.
   */
  snapshot<T>(work: (reads: DocumentReads) => Promise<T>): Promise<T>
  /**
   * Applies all of a commit, durably, or nothing of it. Gives the revision that it made; null where a condition does not hold. Of
   * commits at the same time with conditions on one document, one wins. Throws `INVALID_ARGUMENT` where it changes a document twice.
   */
  commit(commit: Commit): Promise<number | null>
  /**
   * After texts were replaced or deleted: overwrites what is left of them in the store's files, where the store can do so beside those
   * who use it. False where somebody who was reading kept it from that.
   */
  scrub?(): Promise<boolean>
  close(): Promise<void>
}
