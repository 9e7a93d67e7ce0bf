import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A new API token: what its holder sends, and what is kept of it. The secret is 32 random bytes, so a plain hash of it tells nothing. */
export interface NewApiToken {
  readonly id: string
  readonly text: string
  /** SHA-256 of the secret, in hexadecimal. */
  readonly hash: string
}

const form = /^lockstep_([0-9a-f]{16})_([0-9a-f]{64})$/

export function newApiToken(): NewApiToken {
  const [id, secret] = [randomBytes(8).toString('hex'), randomBytes(32).toString('hex')]
  return { id, text: `lockstep_${id}_${secret}`, hash: hashOf(secret).toString('hex') }
}

/** The id of a text that has the form of a token; '' of any other. */
export const apiTokenId = (text: string): string => form.exec(text)?.[1] ?? ''

/** Whether a text holds the secret of a hash. Takes as long where there is no such hash, or the text is no token. */
export function isApiToken(text: string, known: Uint8Array | undefined): boolean {
  const equal = timingSafeEqual(hashOf(form.exec(text)?.[2] ?? ''), known ?? nobody)
  return equal && known !== undefined
}

const hashOf = (secret: string): Buffer => hash('sha256', secret, 'buffer')
const nobody = Buffer.alloc(32)
