import { join } from 'node:path'
import { openStore, type Store } from 'lockstep'

/** Work on the shop of the examples that a test kills. */
export interface ShopWork {
  readonly what: 'backfill' | 'materialize' | 'train'
  /** The data of a shop. */
  readonly data: string
  /** Where the stores are, and the training set goes. */
  readonly folder: string
}

/** The end of the shop's data. */
export const end = '2026-06-01T00:00:00Z'
export const backfilledGroup = 'item_orders'
export const trainingSetName = 'ranking.parquet'

/** The last days of the data, each of them a run of its own and so an interval. */
const days = Array.from({ length: 6 }, (_, day) => ({
  from: new Date(Date.UTC(2026, 4, 26 + day)),
  to: new Date(Date.UTC(2026, 4, 27 + day)),
}))

export async function openShopStore({ data, folder }: ShopWork): Promise<Store> {
  process.env.SHOP_DATA = data
  return await openStore({ definitions: join(import.meta.dirname, '../../examples/shop/definitions'), folder: join(folder, 'store') })
}

export async function doShopWork(store: Store, { what, data, folder }: ShopWork): Promise<void> {
  if (what === 'materialize') {
    await store.materialize(undefined, { asOf: end })
  } else if (what === 'backfill') {
    for (const day of days) await store.backfill(store.group(backfilledGroup), { ...day, every: '1d' })
  } else {
    await using set = await store.trainingSet(store.view('ranking'), join(data, 'labels.parquet'), {})
    await set.write(join(folder, trainingSetName), { overwrite: true })
  }
}
