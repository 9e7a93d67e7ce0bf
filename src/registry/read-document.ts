import { LockstepError } from '../errors.ts'
import type { Document } from './documents.ts'

/** What a document of a table holds. Throws `STORE_CORRUPT` where it is no JSON. */
export function readDocument<T>(table: string, { key, text }: Document): T {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new LockstepError('STORE_CORRUPT', `A document of the registry is no JSON: ${(cause as Error).message}`, {
      where: `${table}/${key}`,
      remedy: 'Import an export of the registry.',
      cause,
    })
  }
}
