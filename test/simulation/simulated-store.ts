import type { OnlineStore } from '../../src/online/index.ts'
import type { Process } from './world.ts'

/** What a process sees of an online store that all share: slow, failing, and out of reach once the process is dead. */
export function connectStore(shared: OnlineStore, process: Process): OnlineStore {
  const commit = shared.commit?.bind(shared)
  if (!commit) throw new TypeError('the store has no transactions')
  return {
    name: 'simulated',
    capabilities: shared.capabilities,
    read: (reads) => process.call('read', () => shared.read(reads)),
    write: (table, rows) => process.call('write', () => shared.write(table, rows)),
    commit: (texts, writes) => process.call('commit', () => commit(texts, writes), 200),
    delete: (table, keys) => process.call('delete', () => shared.delete(table, keys)),
    scan: (table) => shared.scan(table),
    tables: () => process.call('tables', () => shared.tables()),
    drop: (table) => process.call('drop', () => shared.drop(table)),
    readMeta: (table) => process.call('readMeta', () => shared.readMeta(table)),
    writeMeta: (table, text) => process.call('writeMeta', () => shared.writeMeta(table, text)),
    close: async () => {},
  }
}
