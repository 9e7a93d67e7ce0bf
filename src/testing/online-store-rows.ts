import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { OnlineRow, OnlineStore, OnlineValues } from '../online/index.ts'

/** One empty store, made for one test. */
export interface OnlineStoreUnderTest {
  readonly store: OnlineStore
  /** Opens the same rows again after `store` was closed; for a durable store. */
  readonly reopen?: () => Promise<OnlineStore>
  /** How another process opens the same rows, for a store that is shared by processes: it calls `factory` of `module` with `options`. */
  readonly elsewhere?: { readonly module: string; readonly factory: string; readonly options: unknown }
  /** Removes what the test has left; `store` is closed by then. */
  cleanup(): Promise<void>
}

export type Case = (under: OnlineStoreUnderTest, context: TestContext) => Promise<void>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A moment as eight bytes that sort as moments do. */
export function version(moment: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigInt64(0, BigInt(moment) ^ (-1n << 63n))
  return new Uint8Array(view.buffer)
}

export const row = (key: string, moment: number, value: string): OnlineRow => ({
  key: bytes(key),
  version: version(moment),
  value: bytes(value),
})

export const texts = (values: OnlineValues): (string | null)[] => values.map((value) => value && Buffer.from(value).toString())

/** The values of one table as texts, read in both ways where there are two. */
export async function readAll(store: OnlineStore, table: string, keys: readonly (string | Uint8Array)[]): Promise<(string | null)[]> {
  const reads = [{ table, keys: keys.map((key) => (typeof key === 'string' ? bytes(key) : key)) }]
  const [values = []] = (await store.read(reads)).map(texts)
  if (store.readSync) assert.deepEqual(store.readSync(reads).map(texts), [values])
  return values
}
