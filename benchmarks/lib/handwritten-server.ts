import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Database, open } from 'lmdb'
import { openStore } from 'lockstep'
import { selectionsOf } from '../../src/definition/index.ts'
import { lmdbOnlineStore } from '../../src/online/drivers/lmdb.ts'
import { end } from './data.ts'
import { type ServedFiles, servedViews } from './served-views.ts'

const tables = ['one', 'two', 'three']
const batch = 1000

/** Puts the values of the view `tables` where the server by hand reads them: three rows a key, as LMDB's own client packs objects. */
export async function fillByHand(files: ServedFiles, store: string, folder: string, keys: number): Promise<void> {
  const { tables: view } = servedViews(files)
  await using features = await openStore({
    definitions: [view],
    online: lmdbOnlineStore({ path: store, readOnly: true }),
    clock: () => end,
  })
  const root = open({ path: folder, noSubdir: false })
  const databases = tables.map((name) => root.openDB<unknown[], number>(name, {}))
  for (let from = 0; from < keys; from += batch) {
    const count = Math.min(batch, keys - from)
    const vectors = await features.vectors(
      view,
      Array.from({ length: count }, (_, index) => ({ user_id: from + index })),
    )
    await root.transaction(() => {
      for (const [index, { values }] of vectors.entries()) {
        const cells = JSON.parse(JSON.stringify(Object.values(values as object))) as unknown[]
        for (const [place, database] of databases.entries()) database.putSync(from + index, cells.slice(place * 20, place * 20 + 20))
      }
    })
  }
  await root.close()
}

/**
 * The least that a server of features does, as a team writes it that has none: parse what is asked, get three rows of LMDB for each key,
 * stringify. Nothing is checked, counted or converted, nothing can be missing or stale. Answers its port.
 */
export async function serveByHand(folder: string, files: ServedFiles): Promise<number> {
  const root = open({ path: folder, readOnly: true, noSubdir: false })
  const [one, two, three] = tables.map((name) => root.openDB<unknown[], number>(name, {})) as [Rows, Rows, Rows]
  const features = selectionsOf(servedViews(files).tables).flatMap(({ group }) => Object.keys(group.features))
  const statuses = features.map(() => 'PRESENT')
  const vectorOf = ({ user_id }: { readonly user_id: number }) => ({
    values: [...(one.get(user_id) ?? []), ...(two.get(user_id) ?? []), ...(three.get(user_id) ?? [])],
    statuses,
  })
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { rows } = JSON.parse(Buffer.concat(chunks).toString()) as { rows: { user_id: number }[] }
      const body = Buffer.from(JSON.stringify({ features, rows: rows.map(vectorOf) }))
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

type Rows = Database<unknown[], number>
