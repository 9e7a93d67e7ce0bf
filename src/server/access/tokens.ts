import { readFileSync, type Stats, statSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LockstepError } from '../../errors.ts'
import { apiTokenId, isApiToken, newApiToken } from '../../lib/api-token.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { localDisk } from '../../lib/disk.ts'
import { formatMoment, type Micros, momentMicros } from '../../lib/moment.ts'
import { checkScope, type Operation, scopesAllow } from './scope.ts'

/** What is known of an API token; its secret is known to its holder only. */
export interface Token {
  /** Tells tokens apart, in lists and in logs. */
  readonly id: string
  /** Who has it. */
  readonly name: string
  /** Whose roles say what it allows, instead of scopes. */
  readonly principal?: string
  /** Where those count; null or left out: everywhere. */
  readonly environments?: readonly string[] | null
  /** `read:VIEW`, `push:SOURCE`, `write:GROUP` (`*` for all), `admin`. */
  readonly scopes: readonly string[]
  /** Requests per second that it may send; null without a limit. */
  readonly rate: number | null
  readonly created: Micros
  /** From then on it is worth nothing; null for never. */
  readonly expires: Micros | null
  readonly revoked: Micros | null
}

export interface NewToken {
  readonly name: string
  readonly scopes: readonly string[]
  readonly expires?: Micros
  readonly rate?: number
}

/** Where the tokens of a store lie whose files are in `folder`. */
export const tokensPath = (folder: string): string => join(folder, 'access', 'tokens.json')

/** A token as the file holds it: moments as texts, and the SHA-256 of the secret. */
interface StoredToken {
  readonly id: string
  readonly name: string
  readonly hash: string
  readonly scopes: readonly string[]
  readonly rate: number | null
  readonly created: string
  readonly expires: string | null
  readonly revoked: string | null
}

interface KnownToken {
  readonly token: Token
  readonly hash: Buffer
}

/** Milliseconds after which it is looked whether another process changed the file. */
const lookEvery = 500
/** Milliseconds between two tries to write, and how many there are. */
const [tryEvery, tries] = [20, 500]

/**
 * The API tokens of a store, in one file that only its owner can read. Of a token it holds the SHA-256 of its secret: 32 random
 * bytes, which no table of guesses holds, so nothing slower is needed. Changes by other processes count within a second.
 */
export class TokenFile {
  readonly #path: string
  readonly #clock: Clock
  #tokens: ReadonlyMap<string, KnownToken> = new Map()
  #seen = ''
  #looked = Number.NEGATIVE_INFINITY

  private constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** Reads the tokens of a file; none where it is not there. Throws `STORE_CORRUPT` or `STORE_UNAVAILABLE`. */
  static open(path: string, clock: Clock = systemClock): TokenFile {
    const file = new TokenFile(path, clock)
    file.#look()
    return file
  }

  /** Makes a token. `text` is what its holder sends, and is nowhere to be found later. Throws `INVALID_ARGUMENT`. */
  async create({ name, scopes, expires, rate }: NewToken): Promise<{ readonly token: Token; readonly text: string }> {
    const refuse = (message: string) => new LockstepError('INVALID_ARGUMENT', message)
    if (name.trim() === '' || name.length > 200) throw refuse('A token needs a name of at most 200 characters')
    if (scopes.length === 0) throw refuse('A token needs a scope')
    scopes.forEach(checkScope)
    const created = this.#clock.now()
    if (expires !== undefined && !(expires > created)) throw refuse('A token has to expire in the future')
    if (rate !== undefined && !(rate > 0 && Number.isFinite(rate))) throw refuse(`The rate ${rate} is not a number above 0`)
    const { id, text, hash } = newApiToken()
    const token: Token = {
      id,
      name,
      scopes: [...new Set(scopes)],
      rate: rate ?? null,
      created,
      expires: expires ?? null,
      revoked: null,
    }
    await this.#change((tokens) => new Map(tokens).set(token.id, { token, hash: Buffer.from(hash, 'hex') }))
    return { token, text }
  }

  /** Ends a token for ever. Throws `UNKNOWN_NAME`. */
  async revoke(id: string): Promise<Token> {
    let revoked: Token | null = null
    await this.#change((tokens) => {
      const known = tokens.get(id)
      if (known === undefined)
        throw new LockstepError('UNKNOWN_NAME', `There is no token ${id}`, { remedy: '`lockstep token list` shows all.' })
      revoked = { ...known.token, revoked: known.token.revoked ?? this.#clock.now() }
      return new Map(tokens).set(id, { ...known, token: revoked })
    })
    return revoked as unknown as Token
  }

  /** All tokens, those that are worth nothing any more too, as they were made. */
  list(): Token[] {
    this.#look()
    return [...this.#tokens.values()].map(({ token }) => token).sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1))
  }

  /**
   * The token that a text is; null where it is none, or one that expired or was revoked. A microsecond or two. Throws
   * `STORE_CORRUPT` where the file cannot be read: then nobody is let in.
   */
  find(text: string): Token | null {
    if (performance.now() - this.#looked > lookEvery) this.#look()
    const known = this.#tokens.get(apiTokenId(text))
    if (!isApiToken(text, known?.hash) || known === undefined) return null
    return this.isValid(known.token) ? known.token : null
  }

  /** Whether a token is neither revoked nor expired. */
  isValid({ revoked, expires }: Token): boolean {
    return revoked === null && (expires === null || this.#clock.now() < expires)
  }

  /** Whether a token allows an operation on what is named: a view, a source, a group. */
  allows({ scopes }: Token, operation: Operation, name?: string): boolean {
    return scopesAllow(scopes, operation, name)
  }

  /** Reads the file again where it is another one than before. */
  #look(): void {
    this.#looked = performance.now()
    try {
      const now = identityOf(statSync(this.#path, { throwIfNoEntry: false }))
      if (now === this.#seen) return
      this.#tokens = now === '' ? new Map() : parse(readFileSync(this.#path, 'utf8'), this.#path)
      this.#seen = now
    } catch (error) {
      this.#tokens = new Map()
      this.#seen = 'unreadable'
      this.#looked = Number.NEGATIVE_INFINITY
      throw error instanceof LockstepError ? error : unavailable(this.#path, error)
    }
  }

  /** Writes the file whole, one process after the other. */
  async #change(change: (tokens: ReadonlyMap<string, KnownToken>) => ReadonlyMap<string, KnownToken>): Promise<void> {
    await localDisk.makeFolder(dirname(this.#path))
    const lock = await localDisk.lock(`${this.#path}.lock`)
    try {
      for (let tried = 1; !(await lock.tryAcquire()); tried++) {
        if (tried === tries) throw new LockstepError('STORE_LOCKED', 'Another process is changing the tokens', { where: this.#path })
        await systemClock.sleep(tryEvery)
      }
      this.#look()
      await write(this.#path, change(this.#tokens))
      this.#look()
    } finally {
      await lock.close()
    }
  }
}

/** A file that was replaced is another one, whatever its times. */
const identityOf = (stats: Stats | undefined): string => (stats ? `${stats.ino} ${stats.mtimeMs} ${stats.size}` : '')

const unavailable = (path: string, cause: unknown): LockstepError =>
  new LockstepError('STORE_UNAVAILABLE', `The tokens cannot be read or written: ${(cause as Error).message}`, { where: path, cause })

async function write(path: string, tokens: ReadonlyMap<string, KnownToken>): Promise<void> {
  const stored = [...tokens.values()].map(({ token, hash: own }): StoredToken => {
    const { created, expires, revoked, ...rest } = token
    const moment = (micros: Micros | null) => (micros === null ? null : formatMoment(micros))
    return { ...rest, hash: own.toString('hex'), created: formatMoment(created), expires: moment(expires), revoked: moment(revoked) }
  })
  const partial = `${path}.${process.pid}.partial`
  try {
    const file = await open(partial, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ tokens: stored }, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, path)
  } catch (cause) {
    throw unavailable(path, cause)
  }
  await localDisk.syncFolder(dirname(path))
}

function parse(text: string, path: string): Map<string, KnownToken> {
  try {
    const { tokens } = JSON.parse(text) as { readonly tokens: readonly StoredToken[] }
    return new Map(tokens.map((stored) => [stored.id, known(stored)]))
  } catch (cause) {
    throw new LockstepError('STORE_CORRUPT', `The file of the tokens cannot be read: ${(cause as Error).message}`, {
      where: path,
      remedy: 'Restore the file, or remove it and make new tokens.',
      cause,
    })
  }
}

function known({ id, name, hash: own, scopes, rate, created, expires, revoked }: StoredToken): KnownToken {
  const moment = (text: string | null) => (text === null ? null : momentMicros(text))
  const isSound =
    /^[0-9a-f]{16}$/.test(id) &&
    /^[0-9a-f]{64}$/.test(own) &&
    typeof name === 'string' &&
    (rate === null || (Number.isFinite(rate) && rate > 0))
  if (!isSound) throw new TypeError(`the token ${id} is not whole`)
  const token = {
    id,
    name,
    scopes: scopes.map(checkScope),
    rate,
    created: momentMicros(created),
    expires: moment(expires),
    revoked: moment(revoked),
  }
  return { token, hash: Buffer.from(own, 'hex') }
}
