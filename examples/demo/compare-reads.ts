import { isDeepStrictEqual } from 'node:util'
import type { Store } from 'lockstep'
import { ranking } from '../shop/definitions/views.ts'
import type { Read } from './shop-reads.ts'

export interface Comparison {
  readonly vectors: number
  readonly values: number
  readonly different: number
}

type Work = NonNullable<Parameters<Store['trainingSet']>[2]>

/** Reads vectors from the online store as of each moment, and the same once more as rows of a training set. */
export async function compareReads(store: Store, reads: readonly Read[], moments: readonly Date[], work: Work): Promise<Comparison> {
  const asked = moments.flatMap((asOf) => reads.map((read) => ({ ...read, asOf })))
  const labels = asked.map(({ keys, request, asOf }) => ({ ...keys, ...request, at: asOf }))
  await using set = await store.trainingSet(ranking, labels, work)
  const next = asked.values()
  let [values, different] = [0, 0]
  for await (const row of set) {
    const { keys, request, asOf } = next.next().value as (typeof asked)[number]
    const served = await store.vector(ranking, keys, { asOf, request })
    const trained: Readonly<Record<string, unknown>> = row
    for (const [name, value] of Object.entries(served.values)) {
      values++
      if (!isDeepStrictEqual(value, trained[name])) different++
    }
  }
  return { vectors: asked.length, values, different }
}
