/** A process that does work on a shop, told as JSON. It says `ready` when it begins and `done` at its end. */
import { doShopWork, openShopStore, type ShopWork } from './shop-work.ts'

const work = JSON.parse(process.argv[2] as string) as ShopWork
await using store = await openShopStore(work)
process.send?.('ready')
await doShopWork(store, work)
process.send?.('done')
process.disconnect()
