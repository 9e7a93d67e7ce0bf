import { writeSync } from 'node:fs'
import type { DocumentStore } from '../registry/index.ts'

/** What a process of the suite does: it counts up, each step one commit, until the count is reached. */
export interface DocumentWriterPlan {
  readonly module: string
  readonly factory: string
  readonly options: unknown
  readonly name: string
  readonly last: number
}

export const counted = Array.from({ length: 300 }, (_, index) => `key ${index}`)

/** Counts up by one commit, and writes the count into many documents. Gives count and revision; null where another was first. */
export async function countUp(store: DocumentStore, name: string): Promise<{ count: number; revision: number } | null> {
  const [head] = await store.read([{ table: 'heads', key: 'count' }])
  const count = Number(head?.text ?? 0) + 1
  const revision = await store.commit({
    conditions: [{ table: 'heads', key: 'count', revision: head?.revision ?? 0 }],
    puts: [
      { table: 'heads', key: 'count', text: `${count}` },
      { table: 'by', key: String(count).padStart(9, '0'), text: name },
      ...counted.map((key) => ({ table: 'counted', key, text: `${count} ${'.'.repeat(300)} ${count}` })),
    ],
    deletes: [{ table: 'by', key: String(count - 100).padStart(9, '0') }],
  })
  return revision === null ? null : { count, revision }
}

if (import.meta.main) {
  // The pipe ends when the test does, however it ends.
  process.stdin.on('end', () => process.exit()).resume()
  const { module, factory, options, name, last } = JSON.parse(process.argv[2] ?? '') as DocumentWriterPlan
  const made = (await import(module)) as Record<string, (options: unknown) => DocumentStore>
  const store = made[factory]?.(options)
  if (store === undefined) throw new Error(`${module} has no ${factory}`)
  await store.revision()
  writeSync(1, 'ready\n')
  for (let count = 0; count < last; ) {
    const step = await countUp(store, name)
    if (step === null) continue
    count = step.count
    writeSync(1, `${count} ${step.revision}\n`)
  }
  await store.close()
  process.exit()
}
