import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { openStore, parquet, type Store } from 'lockstep'
import { generateShop, type ShopOptions, type ShopSummary } from '../shop/generate.ts'

export const definitions = resolve(import.meta.dirname, '../shop/definitions')

/** Where the history of each source is within the data of a shop. */
export const histories = {
  users: 'users.parquet',
  items: 'items.parquet',
  clicks: 'clicks/*/*.parquet',
  carts: 'carts.parquet',
  searches: 'searches.parquet',
  order_lines: 'orders.parquet',
  ratings: 'ratings.parquet',
} as const

/** Generates the data of a shop, unless an earlier run has. */
export async function provideShop(options: ShopOptions): Promise<ShopSummary & { readonly kept: boolean }> {
  const summary = join(options.path, 'shop.json')
  if (existsSync(summary)) return { ...(JSON.parse(readFileSync(summary, 'utf8')) as ShopSummary), kept: true }
  return { ...(await generateShop(options)), kept: false }
}

/** A store without values over the data of a shop, and a project of the same for the command line. */
export async function openShop(place: string, data: string): Promise<Store> {
  const folder = join(place, 'store')
  await rm(folder, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  const moved = (write: (path: string) => unknown) =>
    Object.fromEntries(Object.entries(histories).map(([name, path]) => [name, write(path)]))
  const project = {
    definitions: relative(place, definitions),
    folder: 'store',
    history: moved((path) => relative(place, join(data, path))),
  }
  await writeFile(join(place, 'lockstep.config.json'), `${JSON.stringify(project, null, 2)}\n`)
  return await openStore({
    definitions,
    folder,
    history: moved((path) => parquet(join(data, path))) as Record<string, ReturnType<typeof parquet>>,
  })
}
