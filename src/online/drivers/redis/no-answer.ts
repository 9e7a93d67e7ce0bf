/** Why a command has no answer. */
export class NoAnswer extends Error {
  /** It may have been done all the same. */
  readonly sent: boolean
  /** Trying again makes no sense: it is no matter of time. */
  readonly final: boolean

  constructor(reason: string, { sent = false, final = false }: { sent?: boolean; final?: boolean } = {}) {
    super(reason)
    this.sent = sent
    this.final = final
  }
}

/** An answer that is an error, as its first word names it: `MOVED`, `OOM`; null for what is none. */
export function refusalOf(error: unknown): string | null {
  if (!(error instanceof Error) || !replies.has(error.constructor.name)) return null
  return /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR'
}

/** The package has several classes for them, by the form in which they come. */
const replies: ReadonlySet<string> = new Set(['ErrorReply', 'SimpleError', 'BlobError'])
